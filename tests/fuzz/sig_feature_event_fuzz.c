/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone sets by as-feature-event. A number is set by what needs one, and by nothing else; it can be dialled. What is told of what it sets is read
 * by a reader of XML, and says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/xml.h"
#include "sig/subscription/feature_event.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* The text of that element. */
static void value_of(struct bytes body, const char *name, char out[64])
{
	struct writer w = writer_over(out, 63);
	struct xml_tag tag;
	struct xml x;
	int more;

	xml_open(&x, body);
	while ((more = xml_next(&x, &tag)) == 1) {
		if (tag.ends && bytes_is(tag.name, name))
			check(xml_unescape(&w, tag.before), "what is told is no text");
	}
	check(!more, "what is told is no document");
	out[w.n] = '\0';
}

static void check_told(const struct feature_event *e)
{
	struct shard_forward f = { .rings = e->rings,
				   .do_not_disturb = e->feature == FEATURE_DISTURB_OFF };
	bool on = e->number[0] != '\0';
	uint8_t space[FEATURE_EVENT_MAX];

	for (unsigned i = 0; i < FEATURE_EVENT_PARTS; i++) {
		struct writer w = writer_over(space, sizeof(space));
		char value[64];

		memcpy(f.always, e->number, sizeof(e->number));
		memcpy(f.busy, e->number, sizeof(e->number));
		memcpy(f.no_answer, e->number, sizeof(e->number));
		feature_event_write(&w, (enum feature_event_part)i, bytes_str("1001"), &f);
		check(!w.overflow, "it fits");
		value_of(writer_done(&w), "forwardTo", value);
		check(i == FEATURE_EVENT_DISTURB || !strcmp(value, e->number), "another number");
		value_of(writer_done(&w), i ? "forwardStatus" : "doNotDisturbOn", value);
		check(!strcmp(value, (i ? on : f.do_not_disturb) ? "true" : "false"), "not so");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feature_event e;

	if (feature_event_parse(&e, bytes_mem(data, size)))
		return 0;
	check(e.feature <= FEATURES && e.rings <= FORWARD_RINGS_MAX, "out of bounds");
	check(memchr(e.number, 0, sizeof(e.number)) && !strpbrk(e.number, " \t\r\n,"), "no number");
	if (e.feature == FEATURES)
		return 0;
	check(feature_right(e.feature) != FEATURE_FREE, "another feature");
	check((feature_value(e.feature) == FEATURE_NUMBER) == (e.number[0] != '\0'),
	      "a number of nothing");
	check_told(&e);
	return 0;
}
