/** What a browser does, without one: sign in, create a video, upload by tus, follow events, fetch what a player fetches. */
import * as tus from 'tus-js-client';
import type { Asset, Playback, Video } from '@kinora/contracts';

export class Client {
  readonly url: string;
  readonly #token: string;
  readonly #headers: Record<string, string>;

  private constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
    this.#headers = { authorization: `Bearer ${token}` };
  }

  static async signIn(url: string, { email, password }: { email: string; password: string }): Promise<Client> {
    return Client.#enter(`${url}/api/auth/sign-in/email`, url, { email, password });
  }

  static async signUp(url: string, credentials: { email: string; password: string; name: string }): Promise<Client> {
    return Client.#enter(`${url}/api/auth/sign-up/email`, url, credentials);
  }

  /** Whoever `token`, of a session or an API key, belongs to. */
  static of(url: string, token: string): Client {
    return new Client(url, token);
  }

  /** The same person at another door. */
  at(url: string): Client {
    return new Client(url, this.#token);
  }

  static async #enter(address: string, url: string, body: object): Promise<Client> {
    const response = await fetch(address, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
    const token = response.headers.get('set-auth-token') ?? ((await response.json()) as { token?: string }).token;
    if (!token) throw new Error('the sign-in gave no token');
    return new Client(url, token);
  }

  /** What makes a request one of this account. */
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, { ...init, headers: { ...this.#headers, ...(init.headers as Record<string, string>) } });
  }

  async json<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await this.fetch(path, init);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  createVideo(title: string): Promise<Video> {
    return this.json('/api/videos', { method: 'POST', body: JSON.stringify({ title }), headers: { 'content-type': 'application/json' } });
  }

  video(videoId: string): Promise<Video> {
    return this.json(`/api/videos/${videoId}`);
  }

  /** A tus upload that is not started yet; `onAcknowledged` hears each offset that the server has confirmed. */
  upload(
    videoId: string,
    source: Buffer,
    options: Partial<tus.UploadOptions> & { readonly filename?: string } = {},
  ): { upload: tus.Upload; done: Promise<void> } {
    let resolve = (): void => undefined;
    let reject = (_error: Error): void => undefined;
    const done = new Promise<void>((res, rej) => {
      resolve = res;
      reject = rej;
    });
    const { filename = 'clip.mp4', ...rest } = options;
    const upload = new tus.Upload(source, {
      endpoint: `${this.url}/api/uploads`,
      headers: this.#headers,
      metadata: { videoId, filename, filetype: 'video/mp4' },
      retryDelays: null,
      ...rest,
      onSuccess: () => resolve(),
      onError: (error) => reject(error),
    });
    return { upload, done };
  }

  playback(videoId: string): Promise<Playback> {
    return this.json(`/api/videos/${videoId}/playback`);
  }

  /** Server-sent events until `signal` aborts or the server leaves. */
  async *events(signal: AbortSignal): AsyncGenerator<{ event: string; data: { videoId?: string; asset?: Asset; video?: Video } }> {
    const response = await this.fetch('/api/stream', { signal, headers: { accept: 'text/event-stream' } });
    if (!response.ok || !response.body) throw new Error(`/api/stream answered ${response.status}`);
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const parts = (text + chunk).split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const event = /^event: ?(.*)$/m.exec(part)?.[1];
        const data = /^data: ?(.*)$/m.exec(part)?.[1];
        if (event && data) yield { event, data: JSON.parse(data) as { videoId?: string; asset?: Asset; video?: Video } };
      }
    }
  }
}
