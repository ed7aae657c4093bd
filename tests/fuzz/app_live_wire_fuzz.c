/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle: what is taken of an application is within its bounds, and a mark that is written back is read the same. URLs of endpoints are
 * of parts that fit, without what would end a line. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/live/live.h"
#include "app/live/live_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void mark_check(const struct live_audio *said)
{
	char memory[LIVE_WRITE_MAX];
	struct writer w = writer_over(memory, sizeof(memory));
	struct live_audio again = { 0 };

	assert(strlen(said->name) > 0 && strlen(said->name) <= LIVE_MARK_MAX);
	live_write_mark(&w, said->name);
	assert(!w.overflow);
	assert(live_said_parse(&again, writer_done(&w)) == 0);
	assert(again.kind == LIVE_SAID_MARK && !strcmp(again.name, said->name));
}

static void url_check(const uint8_t *data, size_t n)
{
	char *text = calloc(n + 1, 1);
	struct live_url url;

	assert(text);
	memcpy(text, data, n);
	if (live_url_read(&url, text)) {
		assert(url.host[0] && url.port && url.path[0] == '/');
		assert(!strpbrk(url.host, "\r\n /@") && !strpbrk(url.path, "\r\n "));
		assert(url.tls == (text[2] == 's'));
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct live_audio said = { 0 };

	if (live_said_parse(&said, bytes_mem(data, n)) == 0) {
		assert(n <= LIVE_TEXT_MAX);
		if (said.kind == LIVE_SAID_MARK)
			mark_check(&said);
	}
	url_check(data, n);
	return 0;
}
