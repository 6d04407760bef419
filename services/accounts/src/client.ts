import { gatewayHeaders } from '@kinora/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuthAnswer } from './auth.ts';

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** Address of the client, as the gateway says. */
export const clientAddress = ({ headers, ip }: FastifyRequest): string => one(headers[gatewayHeaders.clientAddress]) ?? ip;

/** The caller's own cookie and credential, as the gateway passes them on to `/api/auth`. */
export function credentialHeaders({ headers }: FastifyRequest): Headers {
  const given = new Headers();
  const credential = one(headers[gatewayHeaders.credential]);
  if (headers.cookie !== undefined) given.set('cookie', headers.cookie);
  if (credential !== undefined) given.set('authorization', credential);
  if (headers['user-agent'] !== undefined) given.set('user-agent', headers['user-agent'].slice(0, 300));
  return given;
}

/** Sends an answer of better-auth with its cookies; the token is for clients that keep no cookies. */
export function sendAnswer(reply: FastifyReply, { body, setCookie, token }: AuthAnswer): FastifyReply {
  if (setCookie.length > 0) reply.header('set-cookie', [...setCookie]);
  if (token !== undefined) reply.header('set-auth-token', token);
  return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').serializer(JSON.stringify).send(body);
}
