/** Tables that code and documents share: settings, problems, events, routes, words. */
import { describe, expect, it } from '@jest/globals';
import { events, internalRoutes, problems, routes, serviceFor, type EventType } from '@kinora/contracts';
import { playbackSecret, sharedSettings } from '@kinora/service';
import { asyncApi } from '../asyncapi.ts';
import { codeBelow, exists, isTest, services, stringsOf, tableUnder, textOf } from '../repository.ts';
import { settingRow, settingsOf, settingTables, type SettingFacts } from '../setting-tables.ts';

const shared: readonly SettingFacts[] = Object.values(sharedSettings);
const isShared = (name: string): boolean => [...shared, playbackSecret].some((setting) => setting.name === name);
const eventTypes = Object.keys(events) as EventType[];
const sourceOf = (service: string): string[] => codeBelow(`services/${service}/src`).filter((file) => !isTest(file));
const readmeOf = (service: string): string => textOf(`services/${service}/README.md`);
const withReadme = services().filter((service) => exists(`services/${service}/README.md`));

describe('docs/operations.md', () => {
  it('has the settings of every process and every service, with the default and meaning that the code gives', async () => {
    const operations = textOf('docs/operations.md');
    const line = (row: readonly string[]): string => row.join(' | ');
    const differing = [...(await settingTables())].flatMap(([heading, settings]) => {
      const written = tableUnder(operations, heading).map(line);
      const wanted = settings.map(settingRow).map(line);
      return [
        ...wanted.filter((row) => !written.includes(row)).map((row) => `${heading} lacks ${row}`),
        ...written.filter((row) => !wanted.includes(row)).map((row) => `${heading} has ${row}`),
      ];
    });
    // npm run check -- generated --write
    expect(differing).toEqual([]);
  });
});

describe('the README of a service', () => {
  it.each(withReadme)('names every setting of %s and no other', async (service) => {
    const own = (await settingsOf(service)).map(({ name }) => name);
    const named = [...new Set(readmeOf(service).match(/\b[A-Z]+(?:_[A-Z0-9]+)+\b/g) ?? [])];
    const prefix = `${service.toUpperCase()}_`;
    const missing = own.filter((name) => !named.includes(name)).map((name) => `missing: ${name}`);
    const unknown = named
      .filter((name) => name.startsWith(prefix) && !own.includes(name) && !isShared(name))
      .map((name) => `unknown: ${name}`);
    expect([...missing, ...unknown]).toEqual([]);
  });

  it.each(withReadme)('gives the default of every setting of %s', async (service) => {
    const rows = readmeOf(service)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const wrong = (await settingsOf(service)).filter(
      ({ name, defaultText }) =>
        defaultText !== undefined &&
        !rows.some((row) => row.includes(`\`${name}\``) && row.replaceAll(/[\s_]/g, '').includes(defaultText.replaceAll(/[\s_]/g, ''))),
    );
    expect(wrong.map(({ name, defaultText }) => `${name}: ${defaultText}`)).toEqual([]);
  });

  it.each(withReadme)('names every event that %s emits or receives', (service) => {
    const own = eventTypes.filter(
      (type) => events[type].emitter === service || (events[type].receivers as readonly string[]).includes(service),
    );
    expect(own.filter((type) => !readmeOf(service).includes(`\`${type}\``))).toEqual([]);
  });

  it.each(withReadme)('names every public prefix of %s and every path in its code', (service) => {
    const isRoute = (text: string): boolean => /^\/(api|media|internal|health)(\/[A-Za-z0-9:*{}._-]+)*$/.test(text);
    const parts = (text: string): string => text.replaceAll(/:(\w+)/g, '{$1}').replaceAll(/\/\*$/g, '');
    const readme = readmeOf(service);
    const prefixes = Object.entries(routes).flatMap(([prefix, owner]) => (owner === service ? [prefix] : []));
    const written = service === 'gateway' ? [] : sourceOf(service).flatMap(stringsOf).filter(isRoute);
    expect([...new Set([...prefixes, ...written].map(parts))].filter((route) => !readme.includes(route))).toEqual([]);
  });
});

describe('docs/problems.md', () => {
  it('lists every problem of the contracts with its status and title, and says what it means', () => {
    const rows = tableUnder(textOf('docs/problems.md'), '## All problems');
    expect(rows.map((row) => row.slice(0, 3))).toEqual(
      Object.entries(problems).map(([slug, { status, title }]) => [slug, String(status), title]),
    );
    expect(rows.filter(([, , , meaning = '']) => meaning.length < 10)).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  const architecture = textOf('docs/architecture.md');

  it('lists every event of the contracts with emitter and receivers, and says what it means', () => {
    const rows = tableUnder(architecture, '## Events');
    expect(rows.map((row) => row.slice(0, 3))).toEqual(
      eventTypes.map((type) => [type, events[type].emitter, events[type].receivers.join(', ')]),
    );
    expect(rows.filter(([, , , meaning = '']) => meaning.length < 10)).toEqual([]);
  });

  it('lists every public prefix with the service that answers it', () => {
    expect(tableUnder(architecture, '## Routes').map((row) => row.slice(0, 2))).toEqual(Object.entries(routes));
  });
});

it('docs/asyncapi.json is what the contracts say', () => {
  expect(JSON.parse(textOf('docs/asyncapi.json'))).toEqual(asyncApi());
});

describe('events', () => {
  it('are each one whole literal in the contracts', () => {
    const text = textOf('packages/contracts/src/events.ts');
    expect(eventTypes.filter((type) => text.split(`'${type}'`).length !== 2)).toEqual([]);
  });

  it('name emitters and receivers by their folder, and a command has one receiver', () => {
    const verbs = eventTypes.filter((type) => !/\.(v\d|\w+(ed|ready|watchable))$/.test(type));
    expect(verbs.filter((type) => events[type].receivers.length !== 1)).toEqual([]);
    expect(eventTypes.flatMap((type) => [...events[type].receivers]).filter((service) => !exists(`services/${service}`))).toEqual([]);
  });

  it.each(services())('that %s subscribes to are those that the contracts send it', (service) => {
    const received = eventTypes.filter((type) => (events[type].receivers as readonly string[]).includes(service));
    const texts = sourceOf(service).map(textOf);
    const subscribed = eventTypes.filter((type) =>
      texts.some((text) => new RegExp(`\\bon\\(\\s*'${type.replace('.', '\\.')}'`).test(text)),
    );
    expect(subscribed.sort()).toEqual(received.sort());
  });

  it.each(services().filter((service) => service !== 'gateway'))(
    'that %s names in its code are those it emits or receives, and it names all that it emits',
    (service) => {
      const strings = new Set(sourceOf(service).flatMap(stringsOf));
      const named = eventTypes.filter((type) => strings.has(type));
      const emitted = eventTypes.filter((type) => events[type].emitter === service);
      const own = eventTypes.filter((type) => emitted.includes(type) || (events[type].receivers as readonly string[]).includes(service));
      expect({ foreign: named.filter((type) => !own.includes(type)), missing: emitted.filter((type) => !named.includes(type)) }).toEqual({
        foreign: [],
        missing: [],
      });
    },
  );
});

describe('routes', () => {
  it.each(services().filter((service) => service !== 'gateway'))('that %s answers lie below its own prefixes', (service) => {
    const paths = [...new Set(sourceOf(service).flatMap(stringsOf))].filter(
      (text) => /^\/(api|media|internal)\//.test(text) && !/\s/.test(text),
    );
    const isOwn = (route: string): boolean => serviceFor(route) === service || (Object.values(internalRoutes) as string[]).includes(route);
    expect(paths.filter((route) => !isOwn(route))).toEqual([]);
  });
});

describe('words', () => {
  const rows = tableUnder(textOf('docs/glossary.md'), '## Words');
  const words = rows.flatMap(([word = '']) => word.split(', '));
  const avoided = rows.flatMap(([, , never = '']) => never.split(', ').filter((word) => /^[a-z]+$/.test(word)));
  /** Words that mean something else too: a file on a disk, an item of a page, a message of a log. */
  const alsoOrdinary = new Set([
    'file',
    'item',
    'index',
    'message',
    'object',
    'row',
    'part',
    'media',
    'input',
    'session',
    'metadata',
    'original',
    'level',
  ]);

  it('of the glossary are each explained once, and none is both said and avoided', () => {
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
    expect(rows.filter(([, meaning = '']) => meaning.length < 10)).toEqual([]);
    expect(words.filter((word) => avoided.includes(word) && !alsoOrdinary.has(word))).toEqual([]);
  });

  it('that the glossary avoids name nothing in the contracts', () => {
    const names = codeBelow('packages/contracts/src').flatMap((file) =>
      [...textOf(file).matchAll(/(?:export (?:const|function|type|interface|class) (\w+)|^\s+(?:readonly )?['"]?(\w+)['"]?\??: )/gm)].map(
        (match) => match[1] ?? match[2] ?? '',
      ),
    );
    const partsOf = (name: string): string[] => name.split(/(?=[A-Z])/).map((part) => part.toLowerCase());
    const wrong = names.filter((name) => partsOf(name).some((part) => avoided.includes(part) && !alsoOrdinary.has(part)));
    expect(wrong).toEqual([]);
  });
});
