/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/document.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { SAVE_MS = 2, AWAY_MS = 50 };

static void field_set(struct shard_forward *f, const struct document_change *change)
{
	bool on = feature_value(change->feature) == FEATURE_TRUE;
	const char *field = feature_field(change->feature);

	if (!strcmp(field, "do_not_disturb"))
		f->do_not_disturb = on;
	else if (!strcmp(field, "smart_do_not_disturb"))
		f->smart_do_not_disturb = on;
	else if (!strcmp(field, "forward_always"))
		(void)bytes_cstr(bytes_str(change->number), f->always, sizeof(f->always));
	else if (!strcmp(field, "forward_busy"))
		(void)bytes_cstr(bytes_str(change->number), f->busy, sizeof(f->busy));
}

static bool is_refused(const struct sim *s, const struct document_change *change)
{
	char number[16];

	return change->extension >= s->phones.extension_count ||
	       !strcmp(change->number, node_extension(change->extension, number));
}

static void on_saved(struct sim *s, const struct event *e)
{
	const struct document_change *change = &s->documents.list[e->a];
	struct set_news news = { .serial = change->serial, .state = SET_DONE };

	if (s->documents.way == DOCUMENTS_SILENT)
		return;
	if (s->store.down || s->documents.way == DOCUMENTS_FAIL)
		news.state = SET_FAILED;
	else if (is_refused(s, change))
		news.state = SET_REFUSED;
	else
		field_set(&s->phones.forward[change->extension], change);
	trace_line(s, "store: document of extension %u, %s: %d", change->extension,
		   feature_key(change->feature), news.state);
	if (s->node.shard && s->node.incarnation == change->incarnation)
		node_set_told(s, change->extension, change->call, &news);
}

void document_set(struct sim *s, const struct effect *e)
{
	struct document_changes *all = &s->documents;
	uint32_t at = all->count++ % DOCUMENT_CHANGES_MAX;
	char user[16] = "";

	check_sets(s, e->call);
	(void)bytes_cstr(text_bytes(&e->user), user, sizeof(user));
	all->list[at] = (struct document_change){
		.call = e->call,
		.serial = e->version,
		.feature = (enum feature)e->expected,
		.extension = node_extension_index(user),
		.incarnation = s->node.incarnation,
	};
	(void)bytes_cstr(text_bytes(&e->data), all->list[at].number, FEATURE_VALUE_MAX);
	sim_after(s, (s->store.down ? AWAY_MS : SAVE_MS) * NS_PER_MS, on_saved, 0, at, 0);
}
