import { describe, expect, it } from '@jest/globals';
import { parseMongodbUrl } from './mongodb-address.ts';

describe('the address of a MongoDB', () => {
  it.each([
    ['mongodb://127.0.0.1:27017', 'mongodb://127.0.0.1:27017/', 'kinora-catalog', '127.0.0.1:27017'],
    ['mongodb://h/', 'mongodb://h/', 'kinora-catalog', 'h'],
    ['mongodb://h/acme', 'mongodb://h/', 'acme-catalog', 'h'],
    ['mongodb://h?tls=true', 'mongodb://h/?tls=true', 'kinora-catalog', 'h'],
    [
      'mongodb://u:p%40x@a:1,b:2/acme?replicaSet=rs&authSource=acme',
      'mongodb://u:p%40x@a:1,b:2/?replicaSet=rs&authSource=acme',
      'acme-catalog',
      'a:1,b:2',
    ],
    ['mongodb+srv://u:p@cluster.example.org/acme', 'mongodb+srv://u:p@cluster.example.org/', 'acme-catalog', 'cluster.example.org'],
    [
      'mongodb://h/?w=majority&journal=true&retryWrites=false',
      'mongodb://h/?w=majority&journal=true&retryWrites=false',
      'kinora-catalog',
      'h',
    ],
  ])('%s gives the driver the rest, so that it logs in where authSource says or in admin', (url, driverUrl, database, hosts) => {
    expect(parseMongodbUrl(url, 'catalog')).toMatchObject({ url: driverUrl, database, hosts });
  });

  it('has waits and a pool unless the URL says otherwise, whatever the case of the option', () => {
    const { defaults, callMs, answerMs } = parseMongodbUrl('mongodb://h/?SOCKETTIMEOUTMS=3000&maxPoolSize=5', 'catalog');
    expect(defaults).toEqual({ serverSelectionTimeoutMS: 15_000, connectTimeoutMS: 5_000, waitQueueTimeoutMS: 10_000 });
    expect({ callMs, answerMs }).toEqual({ callMs: 18_000, answerMs: 3_000 });
  });

  it.each([
    ['mongodb://', /host/],
    ['mongodb://u:hushhush@/acme', /host/],
    ['mongodb://u:hush/hush@h/acme', /%2F/],
    ['mongodb://u:hush:hush@h/acme', /%3A/],
    ['mongodb://u:hush@hush@h/acme', /%40/],
    ['mongodb://u:hush%zzhush@h/acme', /%25/],
    ['mongodb://u:hush#hush@h/acme', /mongodb:\/\/host/],
    ['mongodb://u:hush@h/acme/hush', /installation/],
    ['mongodb://u:hush@h/ac.me', /installation/],
    ['mongodb://u:hush@h/?w=1', /w is majority/],
    ['mongodb://u:hush@h/?journal=false', /journal is true/],
    ['mongodb://u:hush@h/?readPreference=secondary', /readPreference is primary/],
    ['mongodb://u:hush@h/?socketTimeoutMS=0', /socketTimeoutMS/],
  ])('%s is refused without repeating it', (url, message) => {
    expect(() => parseMongodbUrl(url, 'catalog')).toThrow(TypeError);
    expect(() => parseMongodbUrl(url, 'catalog')).toThrow(message);
    expect(() => parseMongodbUrl(url, 'catalog')).not.toThrow(/hush/);
  });

  it('holds back a text that repeats the password, encoded or not', () => {
    const { withoutPassword } = parseMongodbUrl('mongodb://u:a%2Fb@h', 'catalog');
    expect([withoutPassword('no such option'), withoutPassword('u:a%2Fb@h'), withoutPassword('login a/b failed')]).toEqual([
      'no such option',
      undefined,
      undefined,
    ]);
  });
});
