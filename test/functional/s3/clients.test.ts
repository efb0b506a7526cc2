/** Real S3 clients against a real server: what goes in by aws, s3cmd, rclone and boto3 comes out again, whatever it is called. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GoriProcess } from '../swift/gori-process.ts';
import { contentsOf, differences, makeOddTree, ODD_NAMES } from '../swift/odd-tree.ts';
import { missing, runWell } from '../swift/programs.ts';

const KEY = 'EXAMPLEKEY';
const SECRET = 'example/secret+of=clients';

let gori: GoriProcess;
let scratch: string;
let source: string;
let env: NodeJS.ProcessEnv;

before(async () => {
  gori = await GoriProcess.start({ config: { s3: { users: [{ account: 'clients', user: 'client', accessKey: KEY, secretKey: SECRET }] } } });
  scratch = await mkdtemp(path.join(tmpdir(), 'gori-s3-clients-'));
  source = path.join(scratch, 'source');
  const { PATH, LANG = 'C.UTF-8' } = process.env;
  env = { PATH, LANG, HOME: scratch, PYTHONUTF8: '1', AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET, AWS_DEFAULT_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true', RCLONE_CONFIG: '/nonexistent/rclone.conf' };
  // Names that no XML 1.0 can say are listed as AWS lists them, which these clients cannot read.
  await makeOddTree(source, ODD_NAMES.filter((name) => !/[\u0000-\u001f\ufffe\uffff]/.test(name)));
  await writeFile(path.join(source, 'large'), Buffer.alloc(20 << 20, 'large '));
});

after(async () => {
  await gori[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true, force: true });
});

const back = (name: string): string => path.join(scratch, name);

describe('aws', { skip: missing('aws') }, () => {
  const aws = (...args: string[]): Promise<string> => runWell(['aws', '--endpoint-url', gori.endpoint, ...args], { env, cwd: scratch });

  test('a tree of odd names and a large file go up in parts, come down the same, and are removed', async () => {
    await aws('s3', 'mb', 's3://aws-tree');
    await aws('s3', 'sync', '--quiet', source, 's3://aws-tree/');
    await aws('s3', 'sync', '--quiet', 's3://aws-tree/', back('aws-tree'));
    assert.deepEqual(differences(await contentsOf(source), await contentsOf(back('aws-tree'))), []);
    const head = JSON.parse(await aws('s3api', 'head-object', '--bucket', 'aws-tree', '--key', 'large')) as { ETag: string };
    assert.match(head.ETag, /-\d+"$/);
    await aws('s3', 'rb', '--force', 's3://aws-tree');
  });

  test('a presigned address lets in whoever has it', async () => {
    await aws('s3', 'mb', 's3://aws-presigned');
    await writeFile(path.join(scratch, 'note'), 'for you');
    await aws('s3', 'cp', '--quiet', 'note', 's3://aws-presigned/a note');
    const address = (await aws('s3', 'presign', 's3://aws-presigned/a note', '--expires-in', '60')).trim();
    assert.equal(await (await fetch(address)).text(), 'for you');
    assert.equal((await fetch(address.replace(/Signature=.{4}/, 'Signature=0000'))).status, 403);
    await aws('s3', 'rb', '--force', 's3://aws-presigned');
  });
});

describe('s3cmd', { skip: missing('s3cmd') }, () => {
  const s3cmd = (...args: string[]): Promise<string> =>
    runWell(['s3cmd', '--no-ssl', `--access_key=${KEY}`, `--secret_key=${SECRET}`, `--host=127.0.0.1:${gori.port}`, `--host-bucket=127.0.0.1:${gori.port}`, '--config=/dev/null', '--no-progress', ...args], { env, cwd: scratch });

  test('files go up, are listed with their MD5, and come down', async () => {
    await s3cmd('mb', 's3://s3cmd-tree');
    await s3cmd('sync', `${source}/`, 's3://s3cmd-tree/tree/');
    await mkdir(back('s3cmd-tree'));
    await s3cmd('sync', 's3://s3cmd-tree/tree/', `${back('s3cmd-tree')}/`);
    assert.deepEqual(differences(await contentsOf(source), await contentsOf(back('s3cmd-tree'))), []);
    await s3cmd('del', '--recursive', '--force', 's3://s3cmd-tree');
    await s3cmd('rb', 's3://s3cmd-tree');
  });
});

describe('rclone', { skip: missing('rclone') }, () => {
  const remote = (name: string): string => `:s3,provider=Other,access_key_id=${KEY},secret_access_key='${SECRET}',endpoint='${gori.endpoint}':${name}`;
  const rclone = (...args: string[]): Promise<string> => runWell(['rclone', ...args], { env, cwd: scratch });

  test('a tree goes up, is found the same by its checksums, comes down and is purged', async () => {
    await rclone('copy', source, remote('rclone-tree'));
    await rclone('check', source, remote('rclone-tree'));
    await rclone('copy', remote('rclone-tree'), back('rclone-tree'));
    assert.deepEqual(differences(await contentsOf(source), await contentsOf(back('rclone-tree'))), []);
    await rclone('purge', remote('rclone-tree'));
  });
});

const BOTO3 = `
import boto3, os
from botocore.config import Config
s3 = boto3.client('s3', endpoint_url=os.environ['ENDPOINT'], config=Config(s3={'addressing_style': 'path'}))
s3.create_bucket(Bucket='boto3-bucket')
s3.put_bucket_versioning(Bucket='boto3-bucket', VersioningConfiguration={'Status': 'Enabled'})
ids = [s3.put_object(Bucket='boto3-bucket', Key='k', Body=text, Metadata={'n': text}, Tagging='a=b')['VersionId'] for text in ('one', 'two')]
assert s3.get_object(Bucket='boto3-bucket', Key='k', VersionId=ids[0])['Body'].read() == b'one'
assert s3.head_object(Bucket='boto3-bucket', Key='k')['Metadata'] == {'n': 'two'}
assert s3.get_object_tagging(Bucket='boto3-bucket', Key='k')['TagSet'] == [{'Key': 'a', 'Value': 'b'}]
s3.copy_object(Bucket='boto3-bucket', Key='copy', CopySource={'Bucket': 'boto3-bucket', 'Key': 'k', 'VersionId': ids[0]})
assert s3.get_object(Bucket='boto3-bucket', Key='copy')['Body'].read() == b'one'
s3.delete_object(Bucket='boto3-bucket', Key='k')
page = s3.list_object_versions(Bucket='boto3-bucket')
assert [v['Key'] for v in page['Versions']] == ['copy', 'k', 'k'] and page['DeleteMarkers'][0]['IsLatest'], page
gone = [{'Key': v['Key'], 'VersionId': v['VersionId']} for v in page['Versions'] + page['DeleteMarkers']]
assert 'Errors' not in s3.delete_objects(Bucket='boto3-bucket', Delete={'Objects': gone})
s3.delete_bucket(Bucket='boto3-bucket')
print('well')
`;

/** Debian's python3-boto3 is a module of the system's Python. */
const noBoto3 = spawnSync('/usr/bin/python3', ['-c', 'import boto3']).status === 0 || process.env['GORI_TEST_REQUIRE_CLIENTS'] === '1' ? false : 'python3-boto3 is not installed here';

test('boto3 keeps versions, tags and metadata', { skip: noBoto3 }, async () => {
  assert.equal((await runWell(['/usr/bin/python3', '-'], { env: { ...env, ENDPOINT: gori.endpoint }, input: BOTO3 })).trim(), 'well');
});

test('what clients left behind is nothing', async () => {
  assert.equal((await readFile(path.join(source, 'large'))).length, 20 << 20);
  assert.deepEqual(gori.complaints, []);
});
