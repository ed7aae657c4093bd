/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/twin.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Once may be what a process that has died had on its way. */
enum { RETURNS_MAX = 2 };

static const struct bytes ANY_ID = BYTES_LIT("0000000000000001");

struct bytes twin_place_write(char out[TWIN_PLACE_MAX], uint64_t incarnation,
			      const struct identity *own)
{
	struct writer w = writer_over(out, TWIN_PLACE_MAX);

	writer_fmt(&w, "%016" PRIx64 " ", incarnation);
	WRITER_TEXTS(&w, own->place, " ", own->where);
	assert(!w.overflow);
	return writer_done(&w);
}

/* Of whom the line is. 0: nobody's who may live. */
static uint64_t line_owner(struct bytes line)
{
	struct roster_node node;

	if (!line.n || roster_read(&node, ANY_ID, line) || roster_has_left(&node))
		return 0;
	return node.incarnation;
}

/* The place of that process: false where it is not known. */
static bool place_read(struct bytes text, uint64_t incarnation, struct bytes *place,
		       struct bytes *where)
{
	char id[17];
	struct writer w = writer_over(id, sizeof(id));
	struct bytes word;

	writer_fmt(&w, "%016" PRIx64, incarnation);
	if (!bytes_cut(&text, ' ', &word) || !bytes_eq(word, bytes_mem(id, 16)))
		return false;
	*where = text;
	return bytes_cut(where, ' ', place);
}

static bool was_here(struct twin *t, const struct identity *own, struct bytes text,
		     uint64_t incarnation)
{
	struct bytes place = { 0 }, where = { 0 };

	t->where[0] = '\0';
	if (!place_read(text, incarnation, &place, &where))
		return false;
	if (bytes_cstr(where, t->where, sizeof(t->where)))
		t->where[0] = '\0';
	return bytes_is(place, own->place);
}

/* A line that is longer is of nobody that this program knows of. */
static void line_note(struct twin *t, struct bytes line)
{
	if (bytes_cstr(line, t->seen, sizeof(t->seen)))
		t->seen[0] = '\0';
}

enum twin_verdict twin_look(struct twin *t, const struct identity *own, struct bytes line,
			    struct bytes place, uint64_t now_ns)
{
	uint64_t owner = line_owner(line);
	bool changed = !bytes_is(line, t->seen);

	if (!owner || was_here(t, own, place, owner)) {
		line_note(t, line);
		return TWIN_NOBODY;
	}
	if (t->since_ns && changed)
		return TWIN_LIVES;
	if (!t->since_ns)
		t->since_ns = now_ns;
	line_note(t, line);
	return now_ns - t->since_ns > TWIN_WATCH_NS ? TWIN_NOBODY : TWIN_WAIT;
}

void twin_taken(struct twin *t, uint64_t own_incarnation)
{
	uint64_t owner = line_owner(bytes_str(t->seen));

	if (!t->before && owner != own_incarnation)
		t->before = owner;
	t->seen[0] = '\0';
}

enum twin_verdict twin_found(struct twin *t, const struct identity *own, struct bytes line,
			     struct bytes place)
{
	uint64_t owner = line_owner(line);
	bool here = was_here(t, own, place, owner);

	line_note(t, line);
	if (!owner || here)
		return TWIN_NOBODY;
	if (owner == t->before)
		return ++t->returned < RETURNS_MAX ? TWIN_NOBODY : TWIN_LIVES;
	t->later = owner;
	return TWIN_LATER;
}
