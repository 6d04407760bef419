import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Installation } from './installation.ts';
import { systemSuite } from './system.ts';

describe('all services in one process', () => systemSuite('one'));

describe('npm start', () => {
  let kinora: Installation;
  beforeAll(async () => {
    kinora = await Installation.create({}, { shape: 'one' });
    await kinora.start();
  }, 180_000);
  afterAll(() => kinora.remove());

  it('says where it is, where its data is and which tools it found', () => {
    expect(kinora.output).toContain(`Kinora is ready: ${kinora.url}`);
    expect(kinora.output).toContain(kinora.dataDir);
    expect(kinora.output).toMatch(/Tools: Node 26\.\S+, ffmpeg (?!missing)\S+, ffprobe (?!missing)\S+/);
  });
});
