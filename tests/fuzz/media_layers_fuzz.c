/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: an SDP of a party. Oracles: its layers are few, each has a name of its own that fits into an element of a header extension, and lies in the
 * text; what we say of them can be read, and is agreed as it was chosen; offered again it is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/offer/extension.h"
#include "media/offer/write.h"

enum { INPUT_MAX = 6000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct offer_formats g_formats = { .count = 2, .at = { { .to = 96 }, { .to = 97 } } };

static bool lies_in(struct bytes part, struct bytes text)
{
	return part.n == 0 || (part.p >= text.p && part.p + part.n <= text.p + text.n);
}

static void layers_check(const struct offer_layers *k, struct bytes text)
{
	assert(k->count <= MEDIA_LAYERS_MAX && k->count != 1);
	for (uint8_t i = 0; i < k->count; i++) {
		assert(k->at[i].rid.n > 0 && k->at[i].rid.n <= MEDIA_RID_MAX);
		assert(lies_in(k->at[i].rid, text) && lies_in(k->at[i].limits, text));
		for (uint8_t other = 0; other < i; other++)
			assert(!bytes_eq(k->at[i].rid, k->at[other].rid));
	}
}

static void layers_compare(const struct offer_layers *a, const struct offer_layers *b)
{
	assert(a->count == b->count);
	for (uint8_t i = 0; i < a->count; i++) {
		assert(bytes_eq(a->at[i].rid, b->at[i].rid));
		assert(bytes_eq(a->at[i].limits, b->at[i].limits));
	}
}

static void agreed_check(const struct media_layers *agreed, const struct offer_layers *chosen)
{
	assert(agreed->count == chosen->count && (agreed->extension != 0) == (chosen->count != 0));
	for (uint8_t i = 0; i < agreed->count; i++)
		assert(bytes_eq(bytes_mem(agreed->list[i].name, agreed->list[i].length),
				chosen->at[i].rid));
}

/* As the only line of ours that is of use has it. */
static void spoken_prompt_read(struct sdp *out, uint8_t memory[INPUT_MAX * 2],
			       const struct offer_layers *layers, uint8_t extension)
{
	struct writer w = writer_over(memory, (size_t)INPUT_MAX * 2);
	struct sdp_error error;

	writer_str(&w, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		       "m=video 9 RTP/AVP 96\r\n");
	offer_extension_write(&w, extension, OFFER_RID);
	offer_layers_write(&w, layers);
	if (sdp_parse(out, writer_done(&w), &error))
		abort();
}

static void line_check(const struct sdp *s, uint8_t index, struct bytes text)
{
	static uint8_t memory[INPUT_MAX * 2];
	static struct sdp said;
	struct offer_layers chosen, again;
	struct media_layers agreed;

	offer_layers_choose(&chosen, s, index, &g_formats);
	layers_check(&chosen, text);
	if (index > 0)
		return;
	spoken_prompt_read(&said, memory, &chosen, offer_extension_of(s, index, OFFER_RID));
	offer_layers_agreed(&agreed, s, &said, index);
	agreed_check(&agreed, &chosen);
	offer_layers_before(&again, &said, index);
	layers_compare(&again, &chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sdp s;
	struct bytes text = bytes_mem(data, size);
	struct sdp_error error;

	if (size > INPUT_MAX || sdp_parse(&s, text, &error))
		return 0;
	for (uint8_t i = 0; i < s.media_count; i++)
		line_check(&s, i, text);
	return 0;
}
