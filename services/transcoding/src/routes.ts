import { Type, type Static } from 'typebox';
import { Asset, Instant, isId, Problem } from '@kinora/contracts';
import { signedIn, type App } from '@kinora/service';
import { snapshotOf, type AssetDocument } from './asset.ts';
import { jobsOf } from './plan.ts';
import type { Store } from './store.ts';

/** One row of the timeline of an asset's jobs. */
const JobView = Type.Object({
  jobId: Type.String(),
  step: Type.String(),
  state: Type.Union([Type.Literal('waiting'), Type.Literal('running'), Type.Literal('done'), Type.Literal('dropped')]),
  failures: Type.Integer(),
  startedAt: Type.Optional(Instant),
  endedAt: Type.Optional(Instant),
  error: Type.Optional(Type.String()),
});

/** An asset as admins see it. */
const AssetView = Type.Object({
  asset: Asset,
  videoId: Type.String(),
  ownerId: Type.String(),
  createdAt: Instant,
  jobs: Type.Array(JobView),
});

function timelineOf({ plan, jobs }: AssetDocument): Static<typeof JobView>[] {
  const all = plan ? jobsOf(plan) : [];
  return all.map(({ jobId, step }) => {
    const { outputs: _, ...record } = jobs[jobId] ?? { state: 'waiting' as const, failures: 0 };
    return { jobId, step, ...record };
  });
}

/** Routes of transcoding. */
export function routes(app: App, store: Store, now: () => Date): void {
  app.get(
    '/api/assets/:assetId',
    {
      schema: {
        tags: ['transcoding'],
        summary: 'Get an asset and the timeline of its jobs (admin)',
        params: Type.Object({ assetId: Type.String() }),
        response: { 200: AssetView },
      },
    },
    async (request, reply) => {
      if (signedIn(request).role !== 'admin') throw new Problem('forbidden');
      const { assetId } = request.params;
      const document = isId(assetId) ? await store.find(assetId) : undefined;
      if (!document) throw new Problem('not-found', { detail: 'There is no such asset.' });
      const { videoId, ownerId, createdAt } = document;
      reply.header('cache-control', 'private, no-cache');
      return { asset: snapshotOf(document, now()), videoId, ownerId, createdAt, jobs: timelineOf(document) };
    },
  );
}
