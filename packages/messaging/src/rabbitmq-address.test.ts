import { describe, expect, it } from '@jest/globals';
import { explain, readAddress } from './rabbitmq-address.ts';

describe('readAddress', () => {
  it('reads every part, decoded, and fills in what is left out', () => {
    const { options, name } = readAddress('amqps://us%40er:p%C3%A9ss%3A@rabbit.example:5679/my%2Fhost?heartbeat=5');
    expect(options).toEqual({
      protocol: 'amqps',
      hostname: 'rabbit.example',
      port: 5679,
      username: 'us@er',
      password: 'péss:',
      vhost: 'my%2Fhost',
      heartbeat: 5,
    });
    expect(name).toBe('RabbitMQ at rabbit.example:5679, virtual host my/host');
    expect(readAddress('amqp://[::1]').options).toMatchObject({
      hostname: '::1',
      port: 5672,
      username: 'guest',
      vhost: '%2F',
      heartbeat: 15,
    });
    expect(readAddress('amqps://rabbit.example').options.port).toBe(5671);
  });

  it.each([
    ['amqp://user:s3cret@host:port/x', 'looks like'],
    ['amqp://user:s3cret@host/%', 'looks like'],
    ['amqp://user:s3cret%@host/x', 'looks like'],
    ['amqp:s3cret', 'names a host'],
    ['amqp://user:s3cret@host/a/b', '%2F'],
    ['amqp://user:s3cret@host/x?hartbeat=3', 'hartbeat'],
    ['amqp://user:s3cret@host/x?heartbeat=0', 'seconds'],
  ])('refuses %s and says why without the password', (url, why) => {
    expect(() => readAddress(url)).toThrow(why);
    expect(() => readAddress(url)).not.toThrow('s3cret');
  });
});

describe('explain', () => {
  it('says in plain words what the libraries say in theirs', () => {
    const said = 'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using PLAIN."';
    expect(explain(new Error(said))).toContain('user name or password');
    expect(explain(new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'))).toContain('virtual host');
    expect(
      explain(new Error(`Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - of course"`)),
    ).toBe('PRECONDITION_FAILED - of course');
    expect(
      explain(new AggregateError([new Error('connect ECONNREFUSED ::1:5672'), new Error('connect ECONNREFUSED 127.0.0.1:5672')])),
    ).toBe('connect ECONNREFUSED ::1:5672, connect ECONNREFUSED 127.0.0.1:5672');
  });
});
