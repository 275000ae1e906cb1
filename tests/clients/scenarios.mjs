// What openai-node, Genkit and the Vercel AI SDK do when only their base URL and their key are changed. One line per scenario,
// as judge.py reads it. Where a client loses an image that was paid for, that is asserted too: it does so to the real ones.
// Clients of one kind share their scenarios. A client whose package is not installed is skipped.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

const { MISSING, MOCK, PICTURES } = process.env;

// The packages that each client needs; the first has its version, and the last is the provider that runs in it.
const packages = {
  'openai-node': ['openai'],
  genkit: ['genkit', '@genkit-ai/compat-oai'],
  'ai-sdk': ['ai', '@ai-sdk/openai-compatible'],
  'ai-sdk-bytedance': ['ai', '@ai-sdk/bytedance'],
};
const pins = JSON.parse(readFileSync('package.json', 'utf8')).dependencies;
const installed = name => name in pins; // run takes out what cannot be had
const load = name => (installed(name) ? import(name) : {});
const { default: OpenAI } = await load('openai');
const { genkit } = await load('genkit');
const { compatOaiImageModelRef, defineCompatOpenAIImageModel, openAICompatible } = await load('@genkit-ai/compat-oai');
const { generateImage } = await load('ai');
const { createOpenAICompatible } = await load('@ai-sdk/openai-compatible');
const { createByteDance } = await load('@ai-sdk/bytedance');

const model = 'doubao-seedream-4-0-250828';
const one = { model, prompt: 'a paper kite', size: '1024x1024' };
const group = { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 3 } };
const three = { ...one, prompt: '3 posters of a paper kite', ...group };
const made = 'image_generation.partial_succeeded';
const completed = 'image_generation.completed';
const withheld = 'OutputImageSensitiveContentDetected';

const versionOf = ([own, provider]) => (provider ? `${pins[own]} (${provider.split('/')[1]} ${pins[provider]})` : pins[own]);
// A black square of 64 pixels.
const dot = 'iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAD0lEQVR42mNgGAWjgHwAAAJAAAHgTR1EAAAAAElFTkSuQmCC';
const dataUri = `data:image/png;base64,${dot}`;

// A session of the mock, and where its images are kept for the judge.
class Session {
  kept = 0;
  constructor(client, name) {
    this.client = client;
    this.name = `${client}-${name}`;
  }
  base(path = 'ark/api/v3') {
    return `${MOCK}/s/${this.name}/${path}`;
  }
  keep(promised, bytes) {
    writeFileSync(`${PICTURES}/${this.name}.${this.kept++}.${promised}.jpeg`, bytes);
  }
  async download(promised, url) {
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    this.keep(promised, Buffer.from(await answer.arrayBuffer()));
  }
  async journal() {
    const answer = await fetch(`${MOCK}/__mock/v1/journal?session=${this.name}`);
    return (await answer.json()).entries;
  }
}

// The error of exactly this class that a promise ends with.
async function raised(kind, promise) {
  const error = await promise.then(() => assert.fail(`no ${kind}`), error => error);
  assert.equal(error.constructor.name, kind, error.message);
  return error;
}

const openai = (session, key = 'sk-anything') => new OpenAI({ baseURL: session.base(), apiKey: key }).images;

// The items of an answer, as OpenAI's client has them; Genkit makes media of them, which have no size.
async function images(session, members, key = 'sk-anything') {
  if (session.client === 'openai-node') return (await openai(session, key).generate(members)).data;
  const { model, prompt, ...config } = members;
  const resolver = (client, _, name) =>
    defineCompatOpenAIImageModel({ name, client, modelRef: compatOaiImageModelRef({ name, namespace: 'ark' }) });
  const ai = genkit({ plugins: [openAICompatible({ name: 'ark', baseURL: session.base(), apiKey: key, resolver })] });
  const { message } = await ai.generate({ model: `ark/${model}`, prompt, config });
  const prefix = 'data:image/png;base64,';
  return message.content.map(({ media: { url } }) => ({
    size: members.size,
    ...(url.startsWith(prefix) ? { b64_json: url.slice(prefix.length) } : { url }),
  }));
}

async function sdk(session, { key = 'sk-anything', path, id = model, options, ...members } = {}) {
  const bytedance = session.client === 'ai-sdk-bytedance';
  const create = bytedance ? createByteDance : createOpenAICompatible;
  const provider = create({ name: 'ark', baseURL: session.base(path), apiKey: key });
  const providerOptions = { [bytedance ? 'bytedance' : 'ark']: options ?? {} };
  return generateImage({ model: provider.imageModel(id), prompt: one.prompt, size: one.size, providerOptions, ...members });
}

const groupOptions = session =>
  session.client === 'ai-sdk-bytedance' ? { sequentialImageGeneration: 'auto', maxImages: 3 } : group;

const openais = ['openai-node', 'genkit'];
const sdks = ['ai-sdk', 'ai-sdk-bytedance'];

// Clients, scenario; what the judge shall find: attempts to buy, images billed, images kept.
const scenarios = [
  [openais, 'url', 1, 1, 1, async session => {
    const [image] = await images(session, { ...one, response_format: 'url' });
    await session.download(image.size, image.url);
    return 'a URL that opens';
  }],
  [openais, 'b64_json', 1, 1, 1, async session => {
    const [image] = await images(session, { ...one, response_format: 'b64_json' });
    session.keep(image.size, Buffer.from(image.b64_json, 'base64'));
    return 'base64 of a JPEG';
  }],
  [openais, 'references', 1, 1, 1, async session => {
    const [image] = await images(session, { ...one, response_format: 'url', image: dataUri });
    await session.download(image.size, image.url);
    return 'a reference as a data URI';
  }],
  [openais, 'group', 1, 3, 3, async session => {
    const items = await images(session, { ...three, response_format: 'url' });
    for (const { size, url } of items) await session.download(size, url);
    return 'members of Ark beside those of OpenAI';
  }],
  [openais, 'group-withheld', 1, 2, 2, async session => {
    const items = await images(session, { ...three, response_format: 'url' }, 'sk-mock-partial');
    assert.deepEqual(items.map(item => Boolean(item.url)), [true, false, true]);
    for (const { size, url } of items) if (url) await session.download(size, url);
    if (session.client === 'openai-node') {
      assert.equal(items[1].error.code, withheld);
      return 'drops nothing: the list of images contains an error item';
    }
    assert.equal(items[1].b64_json, 'undefined');
    return 'drops the reason: the list of images contains a file of the text "undefined"';
  }],
  ['openai-node', 'stream', 1, 3, 3, async session => {
    const types = [];
    for await (const event of await openai(session).generate({ ...three, stream: true })) {
      types.push(event.type);
      if (event.url) await session.download(event.size, event.url);
    }
    assert.deepEqual(types, [made, made, made, completed]);
    return '3 partial_succeeded, completed';
  }],
  ['openai-node', 'stream-withheld', 1, 2, 1, async session => {
    const stream = await openai(session, 'sk-mock-partial').generate({ ...three, stream: true });
    const events = stream[Symbol.asyncIterator]();
    const first = (await events.next()).value;
    await session.download(first.size, first.url);
    const error = await raised('APIError', events.next());
    assert.equal(error.code, withheld);
    return 'throws APIError at partial_failed: the third image, paid, is lost';
  }],
  [openais, '400', 1, 0, 0, async session => {
    const error = await raised('BadRequestError', images(session, { ...one, size: '512x512' }));
    assert.equal(error.code, 'InvalidParameter');
    return 'BadRequestError, InvalidParameter';
  }],
  [openais, '401', 1, 0, 0, async session => {
    const error = await raised('AuthenticationError', images(session, one, 'sk-mock-401'));
    assert.equal(error.type, 'Unauthorized');
    assert.ok(error.message.includes(error.requestID ?? error.request_id));
    return 'AuthenticationError';
  }],
  [openais, '429', 3, 0, 0, async session => {
    const error = await raised('RateLimitError', images(session, one, 'sk-mock-429'));
    assert.equal(error.code, 'ModelAccountIpmRateLimitExceeded');
    return 'RateLimitError after two retries';
  }],
  [openais, 'lost', 3, 3, 0, async session => {
    await raised('APIConnectionError', images(session, one, 'sk-mock-reset'));
    return 'APIConnectionError after two retries: paid three times';
  }],

  ['ai-sdk', 'url', 1, 1, 1, async session => {
    const { image, usage } = await sdk(session);
    assert.equal(image.mediaType, 'image/jpeg');
    assert.equal(usage.outputTokens, 4096);
    session.keep(one.size, image.uint8Array);
    const download = (await session.journal()).find(entry => entry.method === 'GET');
    assert.ok(download.headers.authorization && download.notes.some(note => note.includes('key')));
    return 'downloads the image itself and sends its key along';
  }],
  [sdks, 'b64_json', 1, 1, 1, async session => {
    const { image } = await sdk(session, { options: session.client === 'ai-sdk' ? { response_format: 'b64_json' } : {} });
    session.keep(one.size, image.uint8Array);
    assert.ok((await session.journal()).every(entry => entry.method === 'POST'));
    return 'base64, nothing to download';
  }],
  ['ai-sdk-bytedance', 'references', 1, 1, 1, async session => {
    const { image } = await sdk(session, { prompt: { text: one.prompt, images: [Buffer.from(dot, 'base64')] } });
    session.keep(one.size, image.uint8Array);
    assert.ok((await session.journal())[0].body.image);
    return 'a reference as a data URI';
  }],
  [sdks, 'group', 1, 3, 3, async session => {
    const { images } = await sdk(session, { prompt: three.prompt, options: groupOptions(session) });
    for (const image of images) session.keep(one.size, image.uint8Array);
    return '3 images';
  }],
  ['ai-sdk-bytedance', 'group-n', 3, 9, 9, async session => {
    const { images } = await sdk(session, { prompt: three.prompt, options: groupOptions(session), n: 3 });
    for (const image of images) session.keep(one.size, image.uint8Array);
    return 'n=3 and maxImages=3 are three requests for three images each';
  }],
  ['ai-sdk', 'opeai', 1, 3, 3, async session => {
    const members = { path: 'opeai/v1', id: 'doubao-seedream-4.5', prompt: three.prompt, size: '2048x2048', n: 3 };
    const { images } = await sdk(session, members);
    for (const image of images) session.keep('2048x2048', image.uint8Array);
    return 'n=3 becomes a group';
  }],
  [sdks, 'group-withheld', 1, 2, 0, async session => {
    const members = { key: 'sk-mock-partial', prompt: three.prompt, options: groupOptions(session) };
    const error = await raised('APICallError', sdk(session, members));
    assert.equal(error.statusCode, 200);
    assert.equal(error.cause.name, 'AI_TypeValidationError');
    return 'throws APICallError for one error item: both images, paid, are lost';
  }],
  [sdks, '400', 1, 0, 0, async session => {
    const error = await raised('APICallError', sdk(session, { size: '512x512' }));
    assert.equal(error.statusCode, 400);
    assert.ok(error.message.includes('921600 pixels'));
    return "APICallError with Ark's message";
  }],
  [sdks, '401', 1, 0, 0, async session => {
    const error = await raised('APICallError', sdk(session, { key: 'sk-mock-401' }));
    assert.equal(error.statusCode, 401);
    return "APICallError with Ark's message";
  }],
  [sdks, '429', 3, 0, 0, async session => {
    const error = await raised('RetryError', sdk(session, { key: 'sk-mock-429' }));
    assert.equal(error.lastError.statusCode, 429);
    return 'RetryError after two retries';
  }],
  [sdks, 'lost', 3, 3, 0, async session => {
    await raised('RetryError', sdk(session, { key: 'sk-mock-reset' }));
    return 'RetryError after two retries: paid three times';
  }],
];

const reasons = Object.fromEntries(readFileSync(MISSING, 'utf8').split('\n').map(line => line.split('\t')));
for (const [client, needed] of Object.entries(packages)) {
  const missing = needed.find(name => !installed(name));
  if (missing) {
    console.log(['skip', client, ...'-----', `${missing}: ${reasons[missing] ?? 'it is not installed'}`].join('\t'));
    continue;
  }
  for (const [, name, posts, billed, kept, run] of scenarios.filter(([clients]) => [clients].flat().includes(client))) {
    let verdict = 'ok';
    const seen = await run(new Session(client, name)).catch(error => {
      verdict = 'FAIL';
      return `${error.name}: ${error.message}`.replaceAll(/[\t\n]/g, ' ');
    });
    console.log([verdict, client, versionOf(needed), name, posts, billed, kept, seen].join('\t'));
  }
}
