/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's changes, ours and others', told by a log that may be trimmed: an octet is an event. A node that follows it never takes for known
 * what it neither read nor heard, hears of each gap, and knows all when it has come to the log's end.
 */
#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "cluster/document/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGES_MAX = 512 };

struct world {
	struct seen seen;
	uint32_t made, told, trimmed; /* changes; how far the log was read; what it has no more */
	bool ours[CHANGES_MAX + 1], known[CHANGES_MAX + 1];
	bool reading; /* all at once, as it was at `read` */
	uint32_t read;
};

static void all_check(const struct world *w)
{
	assert(w->seen.all <= w->made);
	for (uint32_t i = 1; i <= w->seen.all; i++)
		assert(w->known[i]);
}

static void change(struct world *w, bool ours)
{
	if (w->made == CHANGES_MAX)
		return;
	w->ours[++w->made] = ours;
}

/* Redis says that one of ours is made: they come in order, at any time. */
static void acknowledge(struct world *w)
{
	for (uint32_t i = 1; i <= w->made; i++) {
		if (!w->ours[i])
			continue;
		w->ours[i] = false;
		w->known[i] = true;
		(void)seen_add(&w->seen, i);
		return;
	}
}

static void read_begin(struct world *w)
{
	if (!w->reading) {
		w->reading = true;
		w->read = w->made;
	}
}

static void read_end(struct world *w)
{
	if (!w->reading)
		return;
	w->reading = false;
	for (uint32_t i = 1; i <= w->read; i++)
		w->known[i] = true;
	if (w->read >= w->seen.all) /* else the log has told more meanwhile */
		seen_start(&w->seen, w->read);
	if (seen_lacks(&w->seen))
		read_begin(w);
}

static void tell(struct world *w)
{
	enum seen_is is;

	if (w->told < w->trimmed)
		w->told = w->trimmed;
	if (w->told == w->made)
		return;
	w->known[++w->told] = true;
	is = seen_add(&w->seen, w->told);
	assert((is == SEEN_GAP) == (w->told > w->seen.all));
	if (is == SEEN_GAP)
		read_begin(w);
}

static void step(struct world *w, uint8_t octet)
{
	switch (octet % 6) {
	case 0:
		change(w, true);
		return;
	case 1:
		change(w, false);
		return;
	case 2:
		acknowledge(w);
		return;
	case 3:
		tell(w);
		return;
	case 4:
		w->trimmed = octet & 0x40 ? w->made : w->trimmed;
		return;
	default:
		read_end(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	for (size_t i = 0; i < size; i++) {
		step(&w, data[i]);
		all_check(&w);
	}
	/* one more change, and the log to its end */
	change(&w, false);
	while (w.told < w.made)
		tell(&w);
	while (w.reading)
		read_end(&w);
	all_check(&w);
	assert(w.seen.all == w.made || w.trimmed == w.made);
	return 0;
}
