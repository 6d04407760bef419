/** An installation of accounts alone, on embedded ports in a folder of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IdentityAnswer } from '@kinora/contracts';
import { openLog, startHost, type Host } from '@kinora/service';
import { accounts } from '../src/service.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly type?: string; readonly [name: string]: unknown };
  /** `name=value` of the cookies set. */
  readonly cookie: string;
}

export interface Installation {
  readonly dataDir: string;
  readonly host: Host;
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Signs up and gives what proves it. */
  signUp(email: string, name?: string): Promise<{ cookie: string; token: string; accountId: string }>;
  identity(credential: { cookie?: string; authorization?: string }): Promise<IdentityAnswer>;
  /** Headers of an identity token, as the gateway sets them. */
  bearer(cookie: string): Promise<{ authorization: string }>;
  restart(env?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one; `restart` keeps its data. */
export async function install(env: Record<string, string> = {}): Promise<Installation> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-accounts-'));
  const start = (more: Record<string, string> = {}): Promise<Host> =>
    startHost({ definitions: [accounts], env: { PORT: '0', DATA_DIR: dataDir, ...env, ...more }, log: openLog('silent') });
  let host = await start();
  const request: Installation['request'] = async (method, url, body, headers = {}) => {
    const response = await fetch(host.url + url, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    return { status: response.status, headers: response.headers, body: text === '' ? {} : (JSON.parse(text) as Answer['body']), cookie };
  };
  const identity: Installation['identity'] = async (credential) =>
    (await request('POST', '/internal/accounts/identity', credential)).body as IdentityAnswer;
  return {
    dataDir,
    get host() {
      return host;
    },
    request,
    identity,
    async signUp(email, name = 'Ann') {
      const answer = await request('POST', '/api/auth/sign-up/email', { email, password: 'correct horse', name });
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
      const { token, user } = answer.body as { token: string; user: { id: string } };
      return { cookie: answer.cookie, token, accountId: user.id };
    },
    bearer: async (cookie) => ({ authorization: `Bearer ${(await identity({ cookie })).token}` }),
    async restart(more) {
      await host.stop();
      host = await start(more);
    },
    async stop() {
      await host.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
