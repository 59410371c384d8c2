import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an object store does wrong at a request; undefined: nothing. */
export type Mischief =
  /** 503, and nothing is done. */
  | 'busy'
  /** Never answers. */
  | 'hang'
  /** Cuts the connection within the body it announced. */
  | 'break off'
  /** Answers the first half as if it were all. */
  | 'shorten'
  /** Keeps half of what is uploaded, and acknowledges it. */
  | 'tear'
  /** Acknowledges, and keeps nothing. */
  | 'forget'
  /** Answers what was there before the last write. */
  | 'old bytes'
  /** Answers one bit otherwise. */
  | 'flip'
  /** Answers without end. */
  | 'endless'
  | 'refuse'
  | 'no bucket'
  /** Lists all it has, whatever was asked for. */
  | 'list all'
  /** 404 to who removes what is not there, as some answer. */
  | 'miss'
  /** 501 to a condition. */
  | 'no conditions';

interface HostileRequest {
  readonly method: string;
  readonly key: string;
  readonly headers: IncomingMessage['headers'];
}

/** An object store that may do anything. By itself it is correct, and ignores `If-None-Match`, as some do. */
export interface HostileBucket {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  readonly requests: HostileRequest[];
  /** Asked at each request. */
  mischief: (request: HostileRequest) => Mischief | undefined;
  /** Does what the header asks. */
  keepsConditions: boolean;
  /** Told of what is kept. */
  onPut: (key: string, bytes: Buffer) => void;
  close(): Promise<void>;
}

export async function startHostileBucket(): Promise<HostileBucket> {
  const before = new Map<string, Buffer | undefined>();
  const store: Omit<HostileBucket, 'endpoint' | 'close'> = {
    objects: new Map(),
    requests: [],
    mischief: () => undefined,
    keepsConditions: false,
    onPut: () => undefined,
  };
  const server = createServer((request, response) => {
    void answer(store, before, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(store, { endpoint, close });
}

type Store = Omit<HostileBucket, 'endpoint' | 'close'>;

async function answer(
  store: Store,
  before: Map<string, Buffer | undefined>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://bucket');
  const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const told = { method: request.method ?? '', key, headers: request.headers };
  store.requests.push(told);
  const mischief = store.mischief(told);
  if (mischief === 'hang') return;
  const refusal = REFUSALS[mischief ?? ''];
  if (
    refusal !== undefined &&
    (mischief !== 'no conditions' || request.headers['if-none-match'] !== undefined)
  ) {
    fail(response, ...refusal);
  } else if (request.method === 'PUT') put(store, before, told, Buffer.concat(chunks), mischief, response);
  else if (request.method === 'DELETE') remove(store, key, mischief, response);
  else if (url.searchParams.has('list-type')) list(store, askedOf(url, mischief), response);
  else give(response, mischief === 'old bytes' ? before.get(key) : store.objects.get(key), mischief);
}

const REFUSALS: Readonly<Record<string, [number, string]>> = {
  busy: [503, 'SlowDown'],
  refuse: [403, 'AccessDenied'],
  'no bucket': [404, 'NoSuchBucket'],
  'no conditions': [501, 'NotImplemented'],
};

function fail(response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>AKIDHOSTILE said no</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
}

function put(
  store: Store,
  before: Map<string, Buffer | undefined>,
  { key, headers }: HostileRequest,
  body: Buffer,
  mischief: Mischief | undefined,
  response: ServerResponse,
): void {
  const present = store.objects.get(key);
  if (store.keepsConditions && headers['if-none-match'] === '*' && present !== undefined) {
    fail(response, 412, 'PreconditionFailed');
    return;
  }
  before.set(key, present);
  if (mischief !== 'forget') {
    const kept = mischief === 'tear' ? body.subarray(0, body.length >> 1) : body;
    store.objects.set(key, kept);
    store.onPut(key, kept);
  }
  response.writeHead(200, { etag: '"x"' }).end();
}

function remove(
  { objects }: Store,
  key: string,
  mischief: Mischief | undefined,
  response: ServerResponse,
): void {
  if (!objects.delete(key) && mischief === 'miss') fail(response, 404, 'NoSuchKey');
  else response.writeHead(204).end();
}

const askedOf = (url: URL, mischief: Mischief | undefined): string =>
  mischief === 'list all' ? '' : (url.searchParams.get('prefix') ?? '');

function list({ objects }: Store, prefix: string, response: ServerResponse): void {
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix));
  const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
  const body = `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
  response.writeHead(200, { 'content-type': 'application/xml' }).end(body);
}

function give(response: ServerResponse, bytes: Buffer | undefined, mischief: Mischief | undefined): void {
  if (bytes === undefined) {
    fail(response, 404, 'NoSuchKey');
    return;
  }
  if (mischief === 'endless') {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write(bytes));
    };
    response.on('drain', more);
    more();
    return;
  }
  const shown = Buffer.from(mischief === 'shorten' ? bytes.subarray(0, bytes.length >> 1) : bytes);
  if (mischief === 'flip') shown.writeUInt8(shown.readUInt8(0) ^ 1, 0);
  response.writeHead(200, { 'content-length': String(shown.length) });
  if (mischief !== 'break off') {
    response.end(shown);
    return;
  }
  response.write(shown.subarray(0, shown.length >> 1), () => response.destroy());
}
