import { describe, expect, it } from '@jest/globals';
import { requestPath } from './request-path.ts';

describe('requestPath', () => {
  it.each([
    ['/', '/'],
    ['/api/videos?after=/../x', '/api/videos'],
    ['/media/t.1-x/abc/v720/1.m4s', '/media/t.1-x/abc/v720/1.m4s'],
    ['/a..b/..c/...', '/a..b/..c/...'],
  ])('takes %s', (target, path) => expect(requestPath(target)).toBe(path));

  it.each([
    '/api/me/../../internal/accounts/identity',
    '/api/me/%2e%2e/x',
    '/api/me/.%2E',
    '/api/./me',
    '/media/..',
    '/api\\..\\x',
    '/api/%5c..',
    '//evil.example/x',
    'http://evil.example/',
    '*',
    '',
    '/a%00b',
  ])('refuses %s', (target) => expect(requestPath(target)).toBeUndefined());
});
