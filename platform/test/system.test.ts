import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, Installation } from './installation.ts';
import { systemSuite } from './system.ts';

describe('all services in one process', () => systemSuite('one'));

describe('npm start', () => {
  let kinora: Installation;
  beforeAll(async () => {
    kinora = await Installation.create({}, { shape: 'one' });
    await kinora.start();
  });
  afterAll(() => kinora.remove());

  it('says where it is, where its data is and which tools it found', async () => {
    const said = await eventually('the words for people, which follow readiness', 60_000, () =>
      Promise.resolve(kinora.output.includes('Tools:') ? kinora.output : undefined),
    );
    expect(said).toContain(`Kinora is ready: ${kinora.url}`);
    expect(said).toContain(kinora.dataDir);
    expect(said).toMatch(/Tools: Node 26\.\S+, ffmpeg (?!missing)\S+, ffprobe (?!missing)\S+/);
  });
});
