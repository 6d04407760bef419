import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@kinora/contracts';
import type { Stores } from '../stores.ts';
import { metadataOf, patchHeaders, startUploads, tusHeaders, type Answer, type Person, type UploadsUnderTest } from '../uploads.ts';

/** What is refused, and how. */
export function refusalsSuite(stores: Stores): void {
  describe(`refusals over ${stores.name}`, () => {
    let uploads: UploadsUnderTest;
    let ann: Person;
    let bob: Person;
    let videoId: string;
    beforeAll(async () => {
      uploads = await startUploads(stores, { env: { UPLOADS_MAX_BYTES: '1000', UPLOADS_QUOTA_BYTES: '1500' } });
      ann = await uploads.person();
      bob = await uploads.person();
      ({ videoId } = await uploads.createVideo(ann));
    });
    afterAll(() => uploads.stop());

    const create = (headers: Record<string, string>, as: Person | undefined = ann): Promise<Answer> =>
      uploads.send('POST', '/api/uploads', as, { ...tusHeaders, 'upload-length': '10', ...headers });
    const metadata = (entries: Record<string, string> = {}): Record<string, string> => ({
      'upload-metadata': metadataOf({ videoId, filename: 'film.mp4', filetype: 'video/mp4', ...entries }),
    });
    const seen = ({ status, slug }: Answer): unknown => [status, slug];

    describe('POST /api/uploads', () => {
      const refusals: readonly (readonly [string, () => Record<string, string>, number, string])[] = [
        ['no metadata', () => ({}), 400, 'invalid-upload'],
        ['metadata that is not Base64', () => ({ 'upload-metadata': 'videoId %%%' }), 400, 'invalid-upload'],
        ['metadata with a key twice', () => ({ 'upload-metadata': 'filename YQ==,filename YQ==' }), 400, 'invalid-upload'],
        ['an invalid videoId', () => metadata({ videoId: '../../etc/passwd' }), 400, 'invalid-upload'],
        ['an empty filename', () => metadata({ filename: '  ' }), 400, 'invalid-upload'],
        ['a filename that is a path', () => metadata({ filename: '../../film.mp4' }), 400, 'invalid-upload'],
        ['a filename with a control character', () => metadata({ filename: 'film\n.mp4' }), 400, 'invalid-upload'],
        ['a filename that is too long', () => metadata({ filename: 'a'.repeat(256) }), 400, 'invalid-upload'],
        ['a filetype that is no media type', () => metadata({ filetype: 'video' }), 400, 'invalid-upload'],
        ['an image', () => metadata({ filetype: 'image/png' }), 415, 'unsupported-media-type'],
        ['a negative length', () => ({ ...metadata(), 'upload-length': '-1' }), 400, 'invalid-upload'],
        ['a length that is no number', () => ({ ...metadata(), 'upload-length': '1e3' }), 400, 'invalid-upload'],
        ['a length past what numbers hold', () => ({ ...metadata(), 'upload-length': '99999999999999999999' }), 400, 'invalid-upload'],
        ['a file that is too large', () => ({ ...metadata(), 'upload-length': '1001' }), 413, 'upload-too-large'],
        ['a concatenation', () => ({ ...metadata(), 'upload-concat': 'partial' }), 400, 'invalid-upload'],
        ['another tus version', () => ({ ...metadata(), 'tus-resumable': '0.2.2' }), 412, 'unsupported-tus-version'],
        ['an unknown checksum algorithm', () => ({ ...metadata(), 'upload-checksum': 'crc32 AAAA' }), 400, 'invalid-upload'],
        ['a checksum of the wrong size', () => ({ ...metadata(), 'upload-checksum': 'sha1 AAAA' }), 400, 'invalid-upload'],
        ['an unknown video', () => metadata({ videoId: newId() }), 404, 'not-found'],
      ];
      it.each(refusals)('refuses %s and stores nothing', async (_what, headers, status, slug) => {
        const before = await uploads.keys();
        const answer = await create(headers());
        expect(seen(answer)).toEqual([status, slug]);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
        expect(answer.headers.get('tus-resumable')).toBe('1.0.0');
        expect(await uploads.keys()).toEqual(before);
      });

      it('refuses a length that is deferred, naming what is missing', async () => {
        const answer = await uploads.send('POST', '/api/uploads', ann, { ...tusHeaders, ...metadata(), 'upload-defer-length': '1' });
        expect(seen(answer)).toEqual([400, 'invalid-upload']);
        expect(answer.body['detail']).toContain('Upload-Length');
      });

      it('asks those who are not signed in to do so', async () => {
        expect(
          seen(await uploads.send('POST', '/api/uploads', undefined, { ...tusHeaders, ...metadata(), 'upload-length': '10' })),
        ).toEqual([401, 'not-signed-in']);
      });

      it('does not tell that a video belongs to somebody else', async () => {
        expect(seen(await create(metadata(), bob))).toEqual([404, 'not-found']);
      });

      it('counts stored and promised bytes against the quota of an account, and gives them back when an upload is given up', async () => {
        const carl = await uploads.person();
        const first = await uploads.start(carl, 1000);
        const { videoId: other } = await uploads.createVideo(carl);
        const more = { ...metadata({ videoId: other }), 'upload-length': '501' };
        expect(seen(await create(more, carl))).toEqual([413, 'quota-exceeded']);
        expect(seen(await create({ ...more, 'upload-length': '500' }, carl))).toEqual([201, undefined]);
        expect((await uploads.send('DELETE', first, carl, tusHeaders)).status).toBe(204);
        expect(seen(await create(more, carl))).toEqual([201, undefined]);
      });

      it('refuses a second source for a video that has one', async () => {
        const dora = await uploads.person();
        const { videoId: own } = await uploads.createVideo(dora);
        const done = await uploads.send(
          'POST',
          '/api/uploads',
          dora,
          { ...patchHeaders(0), ...metadata({ videoId: own }), 'upload-length': '4' },
          'film',
        );
        expect([done.status, done.headers.get('upload-offset')]).toEqual([201, '4']);
        expect(seen(await create(metadata({ videoId: own }), dora))).toEqual([409, 'conflict']);
        const location = done.headers.get('location') ?? '';
        expect(seen(await uploads.send('DELETE', location, dora, tusHeaders))).toEqual([409, 'conflict']);
      });
    });

    describe('/api/uploads/:uploadId', () => {
      it('answers 404 to everybody but the owner, and for ids that are unknown or malformed', async () => {
        const dan = await uploads.person();
        const location = await uploads.start(dan, 10);
        for (const method of ['HEAD', 'PATCH', 'DELETE']) {
          expect((await uploads.send(method, location, bob, patchHeaders(0))).status).toBe(404);
          expect((await uploads.send(method, location, undefined, patchHeaders(0))).status).toBe(401);
          for (const id of [newId(), 'x', '..%2f..%2fbus.sqlite', '%00', 'a'.repeat(300)])
            expect((await uploads.send(method, `/api/uploads/${id}`, dan, patchHeaders(0))).status).toBe(404);
        }
      });

      it('answers 409 and keeps the stored bytes when Upload-Offset differs', async () => {
        const eve = await uploads.person();
        const location = await uploads.start(eve, 10);
        await uploads.send('PATCH', location, eve, patchHeaders(0), 'abc');
        const refused = await uploads.send('PATCH', location, eve, patchHeaders(0), 'xyz');
        expect(seen(refused)).toEqual([409, 'upload-offset-conflict']);
        expect(refused.body['storedOffset']).toBe(3);
      });

      it('refuses a body that is not octets, has no offset or goes past the length', async () => {
        const fay = await uploads.person();
        const location = await uploads.start(fay, 10);
        const patch = (headers: Record<string, string>, body: BodyInit): Promise<Answer> =>
          uploads.send('PATCH', location, fay, headers, body);
        expect(seen(await patch({ ...patchHeaders(0), 'content-type': 'text/plain' }, 'x'))).toEqual([415, 'unsupported-media-type']);
        const { 'upload-offset': _, ...noOffset } = patchHeaders(0);
        expect(seen(await patch(noOffset, 'x'))).toEqual([400, 'invalid-upload']);
        expect(seen(await patch({ ...patchHeaders(0), 'upload-offset': '-1' }, 'x'))).toEqual([400, 'invalid-upload']);
        expect(seen(await patch(patchHeaders(0), 'x'.repeat(11)))).toEqual([413, 'payload-too-large']);
        const chunked = new ReadableStream({
          start(controller) {
            controller.enqueue(Buffer.from('x'.repeat(11)));
            controller.close();
          },
        });
        expect(seen(await patch(patchHeaders(0), chunked))).toEqual([413, 'payload-too-large']);
        expect((await uploads.send('HEAD', location, fay, tusHeaders)).headers.get('upload-offset')).toBe('0');
      });

      it('takes PATCH and DELETE as POST with X-HTTP-Method-Override', async () => {
        const gil = await uploads.person();
        const location = await uploads.start(gil, 10);
        const patched = await uploads.send('POST', location, gil, { ...patchHeaders(0), 'x-http-method-override': 'PATCH' }, 'abc');
        expect([patched.status, patched.headers.get('upload-offset')]).toEqual([204, '3']);
        expect(seen(await uploads.send('POST', location, gil, tusHeaders))).toEqual([400, 'invalid-request']);
        expect((await uploads.send('POST', location, gil, { ...tusHeaders, 'x-http-method-override': 'DELETE' })).status).toBe(204);
        expect((await uploads.send('HEAD', location, gil, tusHeaders)).status).toBe(404);
      });
    });

    describe('OPTIONS /api/uploads', () => {
      it('names version, extensions, largest file and checksum algorithms', async () => {
        const { status, headers } = await uploads.send('OPTIONS', '/api/uploads', undefined);
        expect(status).toBe(204);
        expect(headers.get('tus-version')).toBe('1.0.0');
        expect(headers.get('tus-extension')).toBe('creation,creation-with-upload,expiration,termination,checksum');
        expect(headers.get('tus-max-size')).toBe('1000');
        expect(headers.get('tus-checksum-algorithm')).toBe('sha1,sha256,md5');
      });
    });
  });
}
