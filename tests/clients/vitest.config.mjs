export default { test: { globalSetup: './seedream-mock.mjs', include: ['*.test.mjs'] } };
