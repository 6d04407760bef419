// Jest reads the same files as Node does: types are stripped, nothing else changes.
import { stripTypeScriptTypes } from 'node:module';

export default { process: (source, path) => ({ code: path.endsWith('.ts') ? stripTypeScriptTypes(source) : source }) };
