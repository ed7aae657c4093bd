/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/document.h"

#include <assert.h>
#include <string.h>

#include "tests/sim/outside.h"
#include "tests/sim/sim.h"
#include "tests/sim/story.h"

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
	struct set_reply outcome = { .serial = change->serial, .state = SET_DONE };
	struct node *n;

	if (s->documents.way == DOCUMENTS_SILENT)
		return;
	if (s->store.down || s->documents.way == DOCUMENTS_FAIL)
		outcome.state = SET_FAILED;
	else if (is_refused(s, change))
		outcome.state = SET_REFUSED;
	else
		field_set(&s->phones.forward[change->extension], change);
	trace_line(s, "store: document of extension %u, %s: %d", change->extension,
		   feature_key(change->feature), outcome.state);
	n = node_of_process(s, change->incarnation);
	if (outcome.state == SET_DONE)
		document_changed(s, change->extension, n);
	if (n)
		node_set_told(n, change->extension, change->call, &outcome);
}

void document_set(struct node *n, const struct effect *e)
{
	const struct request_set *set = e->request;
	struct sim *s = n->sim;
	struct document_changes *all = &s->documents;
	uint32_t at = all->count++ % DOCUMENT_CHANGES_MAX;
	char user[16] = "";

	check_sets(s, e->call);
	(void)bytes_cstr(text_bytes(&set->user), user, sizeof(user));
	all->list[at] = (struct document_change){
		.call = e->call,
		.serial = e->serial,
		.feature = (enum feature_action)set->feature,
		.extension = node_extension_index(user),
		.incarnation = n->incarnation,
	};
	(void)bytes_cstr(text_bytes(&set->number), all->list[at].number, FEATURE_VALUE_MAX);
	sim_after(s, (s->store.down ? AWAY_MS : SAVE_MS) * NS_PER_MS, on_saved, 0, at, 0);
}

/* Which locations its phones may say. */
static int located_put(struct shard *core, const struct node *n, const char *number)
{
	struct shard_located located = { .count = 1, .of[0].location = OUTSIDE_LOCATION };
	char name[PHONE_NAME_MAX];

	if (!n->sim->script || !n->sim->script->located)
		return 0;
	phone_located_name(number, name);
	phone_secret(name, &located.of[0].secret);
	return shard_located_set(core, n->tenant, number, &located);
}

static void document_put_core(struct shard *core, const struct node *n, uint32_t i)
{
	const struct sim *s = n->sim;
	struct shard_extension e = {
		.tenant = n->tenant,
		.enabled = !s->documents.disabled[i],
		.classes = s->script && s->script->trunks ? UINT8_MAX : 0,
		.account_code = s->script && s->script->account ? ACCOUNT_REQUIRED : ACCOUNT_OFF,
		.outside_calls = s->script ? s->script->outside_calls : 0,
		.outside_minutes = s->script ? s->script->outside_minutes : 0,
		.early_media = i == 2,
		.record = (uint8_t)recorder_method(s, i),
		.record_to = s->script && s->script->external ? RECORD_TO_SIPREC : RECORD_TO_FILES,
		.monitor = s->documents.watches_not[i] ? MONITOR_NONE : MONITOR_ALL,
		.webrtc = s->phones.web[i] ? WEBRTC_ALWAYS : WEBRTC_AUTO,
		.tls_srtp = s->phones.secure[i] == SECURE_TLS,
		.sdes_insecure = s->phones.secure[i] == SECURE_ANYHOW
	};
	int err;

	(void)node_extension(i, e.number);
	phone_secret(s->documents.secret[i] ? "changed" : e.number, &e.secret);
	err = shard_extension_put(core, &e);
	if (!err)
		err = shard_forward_set(core, e.tenant, e.number, &s->phones.forward[i]);
	if (!err)
		err = shard_pickup_set(core, e.tenant, e.number, "all");
	if (!err)
		err = located_put(core, n, e.number);
	assert(!err);
	(void)err;
}

void document_begin(struct node *n)
{
	for (uint32_t i = 0; i < n->sim->phones.extension_count; i++)
		n->documents[i] = n->sim->documents.version[i];
}

void document_put_first(struct shard *core, const struct node *n, uint32_t extension)
{
	char number[16];

	if (n->sim->documents.absent[extension])
		(void)shard_extension_delete(core, n->tenant, node_extension(extension, number));
	else
		document_put_core(core, n, extension);
}

void document_tell(struct node *n, uint32_t extension)
{
	const struct phones *all = &n->sim->phones;
	char number[16];

	(void)node_extension(extension, number);
	for (uint32_t i = 0; i < n->shard_count && extension < all->extension_count; i++) {
		struct shard *core = n->shards[i].core;
		int err = core && !n->sim->documents.absent[extension]
				  ? shard_forward_set(core, n->tenant, number,
						      &all->forward[extension])
				  : 0;

		assert(!err);
		(void)err;
	}
}
