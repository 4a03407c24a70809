/**
 * Who may import whom. Types count like values; there is no list of exceptions.
 *
 *   core  <-  engine  <-  services  <-  cli          core: words only. engine: pure. cli: the one composition root.
 *   core  <-  runtime <-  services
 *   core  <-  adapters, connectors  <-  cli          clients of the outside world; services never see them
 *
 * Tests (test/ and the *.test.ts beside a module) may import everything; nothing that ships imports them.
 * test/house/imports.test.ts plants a violation of each rule and wants it found.
 */

/** Our folders, as dependency-cruiser names the modules in them. */
const ours = '^(core|engine|runtime|adapters|connectors|services|cli)/'
const testCode = '\\.test\\.ts$'

/** Modules of one folder, less the tests beside them. */
const shipped = (folder) => ({ path: `^${folder}/`, pathNot: testCode })

/** Packages by name, their types included: `node_modules/<name>/…`. */
const packages = (...names) =>
  `(^|/)node_modules/(@types/)?(${names.map((name) => name.replaceAll('.', '\\.')).join('|')})/`

const npm = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'npm-bundled']

/** A folder may import only these folders of ours. */
const onlyFolders = (folder, ...allowed) => ({
  name: `${folder}-imports-only-${allowed.join('-')}`,
  severity: 'error',
  from: shipped(folder),
  to: { path: ours, pathNot: `^(${allowed.join('|')})/` },
})

/** A package or a Node module has one home. */
const onlyHome = (name, home, path) => ({
  name: `${name}-only-in-${home.replaceAll('/', '-')}`,
  severity: 'error',
  from: { path: ours, pathNot: [`^${home}/`, testCode] },
  to: { path },
})

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { path: [ours, '^test/'] }, to: { circular: true } },
    { name: 'nothing-unresolved', severity: 'error', from: { path: [ours, '^test/'] }, to: { couldNotResolve: true } },

    onlyFolders('core', 'core'),
    onlyFolders('engine', 'core', 'engine'),
    onlyFolders('runtime', 'core', 'runtime'),
    onlyFolders('adapters', 'core', 'adapters'),
    onlyFolders('connectors', 'core', 'connectors'),
    onlyFolders('services', 'core', 'engine', 'runtime', 'services'),
    {
      name: 'a-service-imports-no-other-service',
      comment: 'What passes between services passes over the bus.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: testCode },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'an-adapter-imports-no-other-adapter',
      severity: 'error',
      from: { path: '^adapters/([^/]+)/', pathNot: testCode },
      to: { path: '^adapters/', pathNot: '^adapters/$1/' },
    },

    {
      name: 'core-does-no-io',
      comment: 'Hashing is arithmetic; every other module of Node reaches outside.',
      severity: 'error',
      from: shipped('core'),
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'core-has-few-packages',
      severity: 'error',
      from: shipped('core'),
      to: { dependencyTypes: npm, pathNot: packages('zod', 'yaml', 'ipaddr.js') },
    },
    {
      name: 'engine-does-no-io',
      severity: 'error',
      from: shipped('engine'),
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'engine-has-few-packages',
      severity: 'error',
      from: shipped('engine'),
      to: { dependencyTypes: npm, pathNot: packages('zod', 'yaml', 're2js', 'simple-statistics', 'ipaddr.js') },
    },

    onlyHome('kafkajs', 'adapters/kafka', packages('kafkajs')),
    onlyHome('elasticsearch', 'adapters/elasticsearch', packages('@elastic/elasticsearch')),
    onlyHome('sqlite', 'adapters/embedded', '^(node:)?sqlite$'),
    onlyHome('slack', 'connectors', packages('@slack/web-api')),
    onlyHome('nodemailer', 'connectors', packages('nodemailer')),

    {
      name: 'nothing-shipped-imports-tests',
      severity: 'error',
      from: { path: ours, pathNot: testCode },
      to: { path: ['^test/', testCode] },
    },
    {
      name: 'nothing-shipped-imports-developer-packages',
      severity: 'error',
      from: { path: ours, pathNot: testCode },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: packages('@types/[^/]+') },
    },
  ],
  options: {
    exclude: { path: '^(\\.cache|data|coverage)/' },
    doNotFollow: { path: '(^|/)node_modules/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    builtInModules: { add: ['node:sqlite', 'node:test', 'node:sea'] },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json', '.d.ts'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
