/** What SecantusDB 0.7 does not do as MongoDB does, found by running the suite: it speaks MongoDB's protocol over WiredTiger, MongoDB's own storage engine. */
import type { Departures } from './conformance/promises.ts';

export const secantusDb: Departures = {
  'with an index it asks one element for both ends of a range; MongoDB takes any element for each': [
    'filters over arrays: match each end of a range by any element, with an index and without',
    'any documents: with arrays are found, sorted, limited and counted alike with indexes and in memory, after any updates',
  ],
  'it finds no missing field with $all of null': [
    'any documents: without arrays are found, sorted, limited and counted alike with indexes and in memory, after any updates',
  ],
  'of many upserts at once two may insert': ['updates: inserts once and loses no update when many upsert the same document at once'],
  'it refuses $or inside $elemMatch': ['filters over arrays: match $elemMatch with $or inside, with an index and without'],
  'it takes arrays on two paths of one index': [
    'indexes: refuse a document with arrays on two of their paths, and take two paths through one array',
  ],
};
