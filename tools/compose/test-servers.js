// The servers of `npm run test:servers` in containers, where no addresses are given: started empty, removed afterwards.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { docker, Failure, needEngine } from '../images/docker.js';
import { root, say } from '../setup.js';
import { compose, containersOf } from './client.js';
import { untilWell } from './wait.js';

/** The account that every Azurite has (Azurite, "Default storage account"). */
const azuriteKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** What tests read of each server, given where `port` of its container is reached and its `image`. */
const environments = {
  rabbitmq: (port, image) => ({
    AMQP_URL: `amqp://guest:guest@127.0.0.1:${port(5672)}`,
    AMQP_MANAGEMENT_URL: `http://127.0.0.1:${port(15672)}`,
    RABBITMQ_IMAGE: image,
  }),
  mongodb: (port, image) => ({ MONGODB_URL: `mongodb://127.0.0.1:${port(27017)}`, MONGODB_IMAGE: image }),
  s3: (port) => ({
    S3_ENDPOINT: `http://127.0.0.1:${port(7070)}`,
    S3_BUCKET: 'kinora',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'kinora',
    AWS_SECRET_ACCESS_KEY: 'kinora-secret',
  }),
  azure: (port) => ({
    AZURE_STORAGE_CONNECTION_STRING: [
      'DefaultEndpointsProtocol=http',
      'AccountName=devstoreaccount1',
      `AccountKey=${azuriteKey}`,
      `BlobEndpoint=http://127.0.0.1:${port(10000)}/devstoreaccount1`,
    ].join(';'),
    AZURE_CONTAINER: 'kinora',
  }),
  'azure-identity': (port) => ({ AZURE_IDENTITY_ENDPOINT: `https://127.0.0.1:${port(10000)}/devstoreaccount1` }),
};

/** A folder with a key, `key.pem`, and a certificate for this machine that nobody else trusts, `cert.pem`. @throws {Failure} */
function makeCertificate() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kinora-tls-'));
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const { status, error } = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, '-keyout', 'key.pem', '-out', 'cert.pem'],
    { cwd: folder },
  );
  if (status === 0) {
    // Whoever the server runs as: the key is worth nothing to anybody.
    chmodSync(folder, 0o755);
    chmodSync(path.join(folder, 'key.pem'), 0o644);
    return folder;
  }
  rmSync(folder, { recursive: true });
  throw new Failure(
    `openssl makes no certificate: ${error?.message ?? `status ${status}`}. It has to be installed, version 1.1.1 or newer.`,
  );
}

/** Starts `names` (of rabbitmq, mongodb, s3, azure, azure-identity): what tests have to know of them, and what removes them. @throws {Failure} */
export async function startTestServers(names) {
  needEngine();
  const project = `kinora-test-servers-${process.pid}`;
  const files = ['test-servers.yaml', ...(process.env.KINORA_TEST_SERVERS_FILES ?? '').split(',').filter(Boolean)];
  const common = [
    ...['-p', project, '--project-directory', root],
    ...files.flatMap((file) => ['-f', path.resolve(root, 'deploy', 'compose', file)]),
  ];
  const tls = names.includes('azure-identity') ? makeCertificate() : undefined;
  const env = { KINORA_TEST_TLS: tls ?? os.tmpdir() };
  const stop = async () => {
    await compose([...common, 'down', '--volumes', '--timeout', '1'], { env });
    if (tls) rmSync(tls, { recursive: true });
  };
  say(`Starting ${names.join(', ')} in containers …`);
  try {
    await untilWell(project, names, { starting: compose([...common, 'up', '--detach', ...names], { env }) });
    const trust = tls ? { NODE_EXTRA_CA_CERTS: path.join(tls, 'cert.pem') } : {};
    return { env: Object.assign(trust, ...containersOf(project).map(environmentOf)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environmentOf({ id, service }) {
  const port = (inside) =>
    docker(['port', id, `${inside}/tcp`])
      .stdout.split('\n')[0]
      .split(':')
      .pop();
  return environments[service](port, docker(['inspect', '--format', '{{.Config.Image}}', id]).stdout.trim());
}
