import { describe, expect, it } from '@jest/globals';
import { isSameOrigin } from './same-origin.ts';

const post = { method: 'POST', host: 'kinora.lan:3000', origin: undefined, secFetchSite: undefined };

describe('isSameOrigin', () => {
  it('lets every request pass that changes nothing', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(isSameOrigin({ ...post, method, secFetchSite: 'cross-site' })).toBe(true);
  });

  it.each([
    ['same-origin', true],
    ['none', true],
    ['same-site', false],
    ['cross-site', false],
    ['nonsense', false],
  ])('goes by Sec-Fetch-Site %s', (secFetchSite, expected) => {
    expect(isSameOrigin({ ...post, secFetchSite, origin: 'http://kinora.lan:3000' })).toBe(expected);
  });

  it.each([
    ['http://kinora.lan:3000', 'kinora.lan:3000', true],
    ['http://KINORA.lan', 'kinora.LAN:80', true],
    ['https://kinora.lan', 'kinora.lan', true],
    ['http://[::1]:3000', '[::1]:3000', true],
    ['http://kinora.lan:3001', 'kinora.lan:3000', false],
    ['http://evil.example', 'kinora.lan:3000', false],
    ['http://kinora.lan.evil.example', 'kinora.lan', false],
    ['null', 'kinora.lan:3000', false],
    ['', 'kinora.lan:3000', false],
    ['http://kinora.lan', undefined, false],
  ])('compares Origin %s with Host %s', (origin, host, expected) => {
    expect(isSameOrigin({ ...post, origin, host })).toBe(expected);
  });

  it('takes the address people use as well', () => {
    expect(isSameOrigin({ ...post, origin: 'https://kinora.example' }, 'https://kinora.example/')).toBe(true);
  });

  it('takes a request of a program that is no browser', () => expect(isSameOrigin(post)).toBe(true));
});
