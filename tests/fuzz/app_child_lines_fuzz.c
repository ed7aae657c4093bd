/* SPDX-License-Identifier: Apache-2.0 */
/* Octets of a child, in pieces cut by the seed in front. The oracle: whatever the pieces, the lines are those between the line feeds
 * of the whole, each read as jansson reads it alone; what is left is what follows the last one; and a value that is written as a line
 * comes back as the same. */
#include <assert.h>
#include <string.h>

#include "app/child/child_link.h"
#include "base/rand.h"

enum { SEED = 8, PIECE_MAX = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the lines that are whole, and compares them with the text from *at on. */
static void lines_compare(struct child_lines *b, struct bytes all, size_t *at)
{
	json_t *line, *alone;

	while (child_lines_next(b, &line)) {
		struct bytes rest = bytes_sub(all, *at, all.n - *at);
		size_t n = bytes_find(rest, '\n');

		assert(n < rest.n);
		alone = json_loadb((const char *)rest.p, n, 0, NULL);
		assert(alone ? json_equal(line, alone) : !line);
		*at += n + 1;
		json_decref(alone);
		json_decref(line);
	}
}

static void line_returns(const json_t *value)
{
	struct child_lines b = { 0 };
	char *text = json_dumps(value, JSON_COMPACT);
	json_t *line = NULL;

	assert(text && !strchr(text, '\n'));
	assert(!child_lines_put(&b, text, strlen(text)) && !child_lines_next(&b, &line));
	assert(!child_lines_put(&b, "\n", 1) && child_lines_next(&b, &line));
	assert(json_equal(line, value) && !b.n);
	json_decref(line);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct child_lines b = { 0 };
	struct rand_source rand;
	struct bytes all;
	size_t at = 0;
	uint64_t seed;
	json_t *value;

	if (size < SEED)
		return 0;
	memcpy(&seed, data, SEED);
	rand_open_seed(&rand, seed);
	all = bytes_mem(data + SEED, size - SEED);
	for (size_t come = 0; come < all.n;) {
		size_t n = 1 + rand_u32_from(&rand) % PIECE_MAX;

		n = n < all.n - come ? n : all.n - come;
		assert(!child_lines_put(&b, all.p + come, n));
		come += n;
		lines_compare(&b, all, &at);
		assert(b.n == come - at && (!b.n || !memcmp(b.p, all.p + at, b.n)));
	}
	assert(bytes_find(bytes_sub(all, at, all.n - at), '\n') == all.n - at);
	child_lines_clear(&b);
	value = json_loadb((const char *)all.p, all.n, 0, NULL);
	if (value)
		line_returns(value);
	json_decref(value);
	return 0;
}
