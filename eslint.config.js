import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const typed = ['**/*.ts', '**/*.tsx'];
const tests = ['**/*.test.ts', '**/test/**', '**/*.cy.tsx'];

export default defineConfig([
  globalIgnores(['**/dist/', '**/data/', '**/coverage/', '**/.cache/', 'e2e/']),
  {
    linterOptions: { noInlineConfig: true },
    rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-unused-vars': 'error' },
  },
  {
    files: typed,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Exports have names.' },
        {
          selector: 'PropertyDefinition[accessibility="private"], MethodDefinition[accessibility="private"][kind!="constructor"]',
          message: 'Private members are #private.',
        },
      ],
      'no-unused-vars': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        // A leading underscore says that a place has to be taken; the rest of a destructuring is what is left after the named.
        { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      // TanStack Router's way to leave a loader.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allow: [{ from: 'package', package: '@tanstack/router-core', name: ['Redirect', 'NotFoundError'] }] },
      ],
      // Ports and stores are records of functions without `this`, made to be taken apart.
      '@typescript-eslint/unbound-method': 'off',
      // A function that answers with a promise is async even where it has nothing to wait for: ports ask for promises.
      '@typescript-eslint/require-await': 'off',
      // Alarms: a longer function or file gives its reason or is divided.
      'max-lines-per-function': ['warn', { max: 40, skipBlankLines: true, skipComments: true, IIFEs: true }],
      'max-lines': ['warn', { max: 300 }],
    },
  },
  {
    // Services log through the logger they are given; commands for people write to the terminal.
    files: ['services/**/*.ts', 'packages/service/**/*.ts', 'web/**/*.ts', 'web/**/*.tsx'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['web/**/*.ts', 'web/**/*.tsx'],
    extends: [reactHooks.configs.flat.recommended],
    rules: {
      // A component is markup: what counts is what it decides.
      'max-lines-per-function': ['warn', { max: 150, skipBlankLines: true, skipComments: true, IIFEs: true }],
    },
  },
  {
    files: tests,
    rules: {
      // A suite is one function, and a test says what it needs.
      'max-lines-per-function': 'off',
      'max-lines': 'off',
    },
  },
  {
    // Tools that read their configuration from a file take its default export.
    files: ['**/*.config.ts', '**/vite.config.ts', '**/cypress.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
]);
