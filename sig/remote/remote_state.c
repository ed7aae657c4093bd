/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between nodes of a cluster about users, questions and answers, encoded with protobuf
 * (remote.proto). Each kind of item has a pack and an unpack function in a table. A message is
 * checked as a whole before any of it is delivered to the readers, since it comes from the network.
 * Pure. */

#include "sig/remote/remote_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "sig/host/tenant.h"
#include "sig/remote.pb-c.h"

typedef Tandem__Remote__States pb_states;
typedef Tandem__Remote__User pb_user;
typedef Tandem__Remote__Dialog pb_remote_dialog;
typedef Tandem__Remote__Pick pb_pick;
typedef Tandem__Remote__Picked pb_picked;
typedef Tandem__Remote__Join pb_join;
typedef Tandem__Remote__Joined pb_joined;
typedef Tandem__Remote__Page pb_page;
typedef Tandem__Remote__Paged pb_paged;
typedef Tandem__Remote__Share pb_share;
typedef Tandem__Remote__Guess pb_guess;
typedef Tandem__Remote__Box pb_box;
typedef Tandem__Remote__FeatureMessage pb_feature;

/* What a message points at while it is packed. */
struct packed_states {
	pb_states outcome;
	pb_user user, *users[1];
	pb_remote_dialog dialogs[DIALOG_STATES_MAX], *list[DIALOG_STATES_MAX];
	char tenant[TENANT_NAME_MAX];
};

/* ---- written ---- */

static ProtobufCBinaryData states_lend(struct bytes b)
{
	return (ProtobufCBinaryData){ .len = b.n, .data = (uint8_t *)(uintptr_t)b.p };
}

static void dialog_pack(pb_remote_dialog *out, const struct dialog_state *d)
{
	bool named = d->call_id.n;

	tandem__remote__dialog__init(out);
	out->id = d->id;
	out->phase = (uint32_t)d->phase;
	out->recipient = d->recipient;
	out->held = d->held;
	out->conference = d->conference;
	out->alone = d->alone;
	out->shard = d->shard;
	out->parked = d->parked;
	out->waits_utc_ms = d->waits_utc_ms;
	out->call_id = states_lend(d->call_id);
	out->tag = states_lend(d->tag);
	out->remote_tag =
		states_lend(bytes_mem(d->remote_tag.text, named ? sizeof(d->remote_tag.text) : 0));
	out->local = states_lend(d->local);
	out->remote = states_lend(d->remote);
}

static void states_pack(struct packed_states *p, const struct remote_user *u)
{
	tandem__remote__states__init(&p->outcome);
	tandem__remote__user__init(&p->user);
	p->users[0] = &p->user;
	p->outcome.users = p->users;
	p->outcome.n_users = 1;
	p->user.tenant = p->tenant;
	p->user.user = states_lend(u->user);
	p->user.asks = u->asks;
	p->user.holds = u->holds;
	p->user.registered = u->registered;
	p->user.dialogs = p->list;
	p->user.n_dialogs = u->count;
	for (uint32_t i = 0; i < u->count; i++) {
		dialog_pack(&p->dialogs[i], &u->dialogs[i]);
		p->list[i] = &p->dialogs[i];
	}
}

static void states_put(struct writer *w, const pb_states *outcome)
{
	uint8_t *to = writer_room(w, tandem__remote__states__get_packed_size(outcome));

	if (to)
		(void)tandem__remote__states__pack(outcome, to);
}

void remote_state_add(struct writer *w, const struct remote_user *u)
{
	struct packed_states p;

	if (bytes_cstr(u->tenant, p.tenant, sizeof(p.tenant))) {
		w->overflow = true;
		return;
	}
	states_pack(&p, u);
	while (p.user.n_dialogs &&
	       tandem__remote__states__get_packed_size(&p.outcome) > w->cap - w->n)
		p.user.n_dialogs--;
	states_put(w, &p.outcome);
}

void remote_state_add_shards(struct writer *w, const uint32_t *shards, size_t count)
{
	uint32_t list[1 + REMOTE_SHARDS_MAX] = { 0 };
	pb_states outcome;

	assert(count <= REMOTE_SHARDS_MAX);
	tandem__remote__states__init(&outcome);
	memcpy(list + 1, shards, count * sizeof(*list));
	outcome.shards = list;
	outcome.n_shards = 1 + count;
	states_put(w, &outcome);
}

/* ---- read ---- */

static bool states_line(struct bytes *out, const ProtobufCBinaryData *in, size_t max)
{
	*out = bytes_mem(in->data, in->len);
	for (size_t i = 0; i < in->len && in->len <= max; i++) {
		if ((in->data[i] < ' ' && in->data[i] != '\t') || in->data[i] == 0x7f)
			return false;
	}
	return in->len <= max;
}

static bool tenant_unpack(struct bytes *out, const char *in)
{
	*out = bytes_str(in);
	return out->n && out->n < TENANT_NAME_MAX;
}

static bool dialog_unpack(struct dialog_state *out, const pb_remote_dialog *in)
{
	struct bytes tag;

	*out = (struct dialog_state){ .id = in->id,
				      .phase = (enum dialog_phase)in->phase,
				      .recipient = in->recipient,
				      .held = in->held,
				      .conference = in->conference,
				      .alone = in->alone,
				      .shard = in->shard,
				      .parked = in->parked,
				      .waits_utc_ms = in->waits_utc_ms };
	if (!in->id || in->phase >= PHASE_TERMINATED ||
	    in->remote_tag.len != (in->call_id.len ? sizeof(out->remote_tag.text) : 0))
		return false;
	if (!states_line(&tag, &in->remote_tag, sizeof(out->remote_tag.text)))
		return false;
	if (tag.n)
		memcpy(out->remote_tag.text, tag.p, tag.n);
	return states_line(&out->call_id, &in->call_id, DIALOG_TEXT_MAX) &&
	       states_line(&out->tag, &in->tag, DIALOG_TEXT_MAX) &&
	       states_line(&out->local, &in->local, DIALOG_TEXT_MAX) &&
	       states_line(&out->remote, &in->remote, DIALOG_TEXT_MAX);
}

static bool user_unpack(struct remote_user *out, const pb_user *in)
{
	*out = (struct remote_user){ .asks = in->asks,
				     .holds = in->holds,
				     .registered = in->registered };
	if (!tenant_unpack(&out->tenant, in->tenant) || !in->user.len ||
	    !states_line(&out->user, &in->user, REMOTE_USER_MAX) ||
	    in->n_dialogs > DIALOG_STATES_MAX || (in->asks && (in->n_dialogs || in->registered)) ||
	    (in->holds && !in->asks))
		return false;
	for (; out->count < in->n_dialogs; out->count++) {
		if (!dialog_unpack(&out->dialogs[out->count], in->dialogs[out->count]))
			return false;
	}
	return true;
}

/* ---- items ---- */

/* One of States, as that points at it. */
union packed_item {
	ProtobufCMessage base;
	pb_pick pick;
	pb_picked picked;
	pb_share share;
	pb_join join;
	pb_joined joined;
	pb_page page;
	pb_paged paged;
	pb_guess guess;
	pb_box box;
	pb_feature message;
};

/* These return the tenant of the item; empty for kinds without one. */
static struct bytes pick_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	out->pick.serial = in->serial;
	out->pick.tenant = tenant;
	out->pick.by = states_lend(in->pick.by);
	out->pick.of = states_lend(in->pick.of);
	out->pick.want = in->pick.want;
	return in->pick.tenant;
}

static struct bytes picked_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	(void)tenant;
	out->picked.serial = in->serial;
	out->picked.call = in->picked.call;
	out->picked.utc_ms = in->picked.utc_ms;
	out->picked.promised = in->picked.promised;
	return (struct bytes){ 0 };
}

static struct bytes share_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	(void)tenant;
	out->share.id = in->share.id;
	out->share.limit = in->share.limit;
	out->share.want = in->share.want;
	out->share.given = in->share.given;
	out->share.refused = in->share.refused;
	return (struct bytes){ 0 };
}

static struct bytes join_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	const struct remote_join *j = &in->join;

	out->join.serial = in->serial;
	out->join.tenant = tenant;
	out->join.call = j->call;
	out->join.leg = (uint32_t)j->leg;
	out->join.slot = (char *)(uintptr_t)j->slot;
	out->join.room = j->dialog ? 0 : j->room;
	out->join.into = j->dialog ? j->room : 0;
	out->join.leaves = states_lend(j->leaves);
	out->join.dialog = j->dialog;
	return j->tenant;
}

static struct bytes joined_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	const struct remote_joined *j = &in->joined;
	bool ok = j->verdict == REMOTE_OK;

	(void)tenant;
	out->joined.serial = in->serial;
	out->joined.verdict = (uint32_t)j->verdict;
	out->joined.alone = j->remote.alone;
	out->joined.user = states_lend(j->remote.user);
	out->joined.call_id = states_lend(j->remote.call_id);
	out->joined.from_tag = states_lend(j->remote.from_tag);
	out->joined.to_tag = states_lend(bytes_mem(j->remote.to_tag, ok ? ID_TAG_LEN : 0));
	return (struct bytes){ 0 };
}

static struct bytes page_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	out->page.serial = in->serial;
	out->page.tenant = tenant;
	out->page.number = states_lend(in->page.number);
	out->page.act = (uint32_t)in->page.act;
	out->page.call = in->page.call;
	return in->page.tenant;
}

static struct bytes paged_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	(void)tenant;
	out->paged.serial = in->serial;
	out->paged.state = (uint32_t)in->paged.state;
	out->paged.place = (uint32_t)in->paged.place;
	out->paged.call = in->paged.call;
	out->paged.utc_ms = in->paged.utc_ms;
	out->paged.lasts = in->paged.lasts;
	return (struct bytes){ 0 };
}

static struct bytes guess_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	out->guess.tenant = tenant;
	out->guess.object = states_lend(in->guess.guess.object);
	out->guess.source = states_lend(in->guess.guess.source);
	out->guess.caller = states_lend(in->guess.guess.caller);
	out->guess.right = in->guess.right;
	return in->guess.guess.tenant;
}

static struct bytes box_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	out->box.tenant = tenant;
	out->box.box = states_lend(in->box.box);
	return in->box.tenant;
}

static struct bytes feature_pack(union packed_item *out, char *tenant, const struct remote_item *in)
{
	out->message.feature = tenant; /* in its place: it has none */
	out->message.octets = states_lend(in->message.octets);
	return in->message.feature;
}

static bool pick_unpack(struct remote_item *out, const union packed_item *in)
{
	struct remote_pick *p = &out->pick;

	out->serial = in->pick.serial;
	p->want = (enum user_call_want)in->pick.want;
	return out->serial && in->pick.want <= USER_HAS &&
	       tenant_unpack(&p->tenant, in->pick.tenant) && in->pick.by.len &&
	       states_line(&p->by, &in->pick.by, REMOTE_USER_MAX) &&
	       states_line(&p->of, &in->pick.of, REMOTE_USER_MAX);
}

static bool picked_unpack(struct remote_item *out, const union packed_item *in)
{
	out->serial = in->picked.serial;
	out->picked = (struct remote_picked){ .call = in->picked.call,
					      .utc_ms = in->picked.utc_ms,
					      .promised = in->picked.promised };
	return out->serial;
}

static bool share_unpack(struct remote_item *out, const union packed_item *in)
{
	const pb_share *p = &in->share;

	out->share = (struct share_word){ .id = p->id,
					  .limit = p->limit,
					  .want = p->want,
					  .given = p->given,
					  .refused = p->refused };
	return p->id && p->limit && p->want <= p->limit;
}

static bool join_unpack(struct remote_item *out, const union packed_item *in)
{
	struct remote_join *j = &out->join;
	const pb_join *p = &in->join;

	out->serial = p->serial;
	*j = (struct remote_join){ .call = p->call,
				   .leg = (enum shard_leg)p->leg,
				   .room = p->room ? p->room : p->into,
				   .dialog = (uint8_t)p->dialog };
	return out->serial && p->call && p->dialog <= ID_LEG_MAX + 1 &&
	       tenant_unpack(&j->tenant, p->tenant) && p->leg <= SHARD_LEG_CALLEE &&
	       states_line(&j->leaves, &p->leaves, REMOTE_USER_MAX) &&
	       (!p->slot[0] || park_slot_is(bytes_str(p->slot))) &&
	       !bytes_cstr(bytes_str(p->slot), j->slot, sizeof(j->slot));
}

static bool joined_unpack(struct remote_item *out, const union packed_item *in)
{
	struct remote_joined *j = &out->joined;
	const pb_joined *p = &in->joined;
	struct bytes tag;

	out->serial = p->serial;
	*j = (struct remote_joined){ .verdict = (enum remote_verdict)p->verdict,
				     .remote.alone = p->alone };
	if (!out->serial || p->verdict >= REMOTE_VERDICTS ||
	    p->to_tag.len != (p->verdict ? 0 : sizeof(j->remote.to_tag)) ||
	    !states_line(&tag, &p->to_tag, sizeof(j->remote.to_tag)) ||
	    !states_line(&j->remote.user, &p->user, REMOTE_USER_MAX) ||
	    !states_line(&j->remote.call_id, &p->call_id, DIALOG_TEXT_MAX) ||
	    !states_line(&j->remote.from_tag, &p->from_tag, DIALOG_TEXT_MAX))
		return false;
	if (tag.n)
		memcpy(j->remote.to_tag, tag.p, tag.n);
	return true;
}

static bool page_unpack(struct remote_item *out, const union packed_item *in)
{
	struct record_page_request *ask = &out->page;
	const pb_page *p = &in->page;

	out->serial = p->serial;
	*ask = (struct record_page_request){ .act = (enum record_page_act)p->act, .call = p->call };
	return out->serial && tenant_unpack(&ask->tenant, p->tenant) && p->number.len &&
	       states_line(&ask->number, &p->number, REMOTE_USER_MAX) &&
	       p->act < RECORD_PAGE_ACTS && (p->act == RECORD_PAGE_LOOK) == (p->call == 0);
}

static bool paged_unpack(struct remote_item *out, const union packed_item *in)
{
	const pb_paged *p = &in->paged;

	out->serial = p->serial;
	out->paged = (struct record_page){ .state = (enum record_page_state)p->state,
					   .place = (enum record_page_place)p->place,
					   .call = p->call,
					   .utc_ms = p->utc_ms,
					   .lasts = p->lasts };
	return out->serial && p->state < RECORD_PAGE_STATES && p->place < RECORD_PAGE_PLACES &&
	       (p->state == RECORD_PAGE_NOTHING) == (p->call == 0);
}

static bool guess_unpack(struct remote_item *out, const union packed_item *in)
{
	struct secret_guess *g = &out->guess.guess;
	const pb_guess *p = &in->guess;

	out->guess.right = p->right;
	return tenant_unpack(&g->tenant, p->tenant) && p->object.len && p->source.len &&
	       states_line(&g->object, &p->object, SECRET_TEXT_MAX) &&
	       states_line(&g->source, &p->source, SECRET_TEXT_MAX) &&
	       states_line(&g->caller, &p->caller, SECRET_TEXT_MAX);
}

static bool box_unpack(struct remote_item *out, const union packed_item *in)
{
	return tenant_unpack(&out->box.tenant, in->box.tenant) && in->box.box.len &&
	       states_line(&out->box.box, &in->box.box, REMOTE_USER_MAX);
}

static bool feature_unpack(struct remote_item *out, const union packed_item *in)
{
	out->message.octets = bytes_mem(in->message.octets.data, in->message.octets.len);
	return tenant_unpack(&out->message.feature, in->message.feature) && out->message.octets.n &&
	       out->message.octets.n <= REMOTE_FEATURE_MAX;
}

/* ---- by kind ---- */

static const struct item_form {
	const ProtobufCMessageDescriptor *type;
	size_t count, list; /* where States has them */
	struct bytes (*pack)(union packed_item *out, char *tenant, const struct remote_item *in);
	bool (*unpack)(struct remote_item *out, const union packed_item *in);
} item_forms[REMOTE_KINDS] = {
	[REMOTE_PICK] = { &tandem__remote__pick__descriptor, offsetof(pb_states, n_picks),
			  offsetof(pb_states, picks), pick_pack, pick_unpack },
	[REMOTE_PICKED] = { &tandem__remote__picked__descriptor, offsetof(pb_states, n_picked),
			    offsetof(pb_states, picked), picked_pack, picked_unpack },
	[REMOTE_SHARE] = { &tandem__remote__share__descriptor, offsetof(pb_states, n_shares),
			   offsetof(pb_states, shares), share_pack, share_unpack },
	[REMOTE_JOIN] = { &tandem__remote__join__descriptor, offsetof(pb_states, n_joins),
			  offsetof(pb_states, joins), join_pack, join_unpack },
	[REMOTE_JOINED] = { &tandem__remote__joined__descriptor, offsetof(pb_states, n_joined),
			    offsetof(pb_states, joined), joined_pack, joined_unpack },
	[REMOTE_PAGE] = { &tandem__remote__page__descriptor, offsetof(pb_states, n_pages),
			  offsetof(pb_states, pages), page_pack, page_unpack },
	[REMOTE_PAGED] = { &tandem__remote__paged__descriptor, offsetof(pb_states, n_paged),
			   offsetof(pb_states, paged), paged_pack, paged_unpack },
	[REMOTE_GUESS] = { &tandem__remote__guess__descriptor, offsetof(pb_states, n_guesses),
			   offsetof(pb_states, guesses), guess_pack, guess_unpack },
	[REMOTE_BOX] = { &tandem__remote__box__descriptor, offsetof(pb_states, n_boxes),
			 offsetof(pb_states, boxes), box_pack, box_unpack },
	[REMOTE_FEATURE] = { &tandem__remote__feature_message__descriptor,
			     offsetof(pb_states, n_messages), offsetof(pb_states, messages),
			     feature_pack, feature_unpack },
};

void remote_state_add_item(struct writer *w, const struct remote_item *item)
{
	const struct item_form *form = &item_forms[item->kind];
	char tenant[TENANT_NAME_MAX];
	union packed_item packed;
	void *list[] = { &packed };
	pb_states outcome;

	tandem__remote__states__init(&outcome);
	protobuf_c_message_init(form->type, &packed);
	if (bytes_cstr(form->pack(&packed, tenant, item), tenant, sizeof(tenant))) {
		w->overflow = true;
		return;
	}
	*(size_t *)(void *)((char *)&outcome + form->count) = COUNT_OF(list);
	*(void ***)(void *)((char *)&outcome + form->list) = list;
	states_put(w, &outcome);
}

/* readers NULL: only checks. Returns false if one is invalid. */
static bool items_read(const pb_states *in, const struct remote_state_readers *readers)
{
	for (enum remote_kind kind = 0; kind < REMOTE_KINDS; kind++) {
		const struct item_form *form = &item_forms[kind];
		size_t count = *(const size_t *)(const void *)((const char *)in + form->count);
		union packed_item *const *list =
			*(union packed_item *const *const *)(const void *)((const char *)in +
									   form->list);

		for (size_t i = 0; i < count; i++) {
			struct remote_item item = { .kind = kind };

			if (!form->unpack(&item, list[i]))
				return false;
			if (readers)
				readers->item(&item, readers->arg);
		}
	}
	return true;
}

static bool states_are_valid(const pb_states *in)
{
	struct remote_user u;

	if (in->n_shards > 1 + REMOTE_SHARDS_MAX || (in->n_shards && in->shards[0]))
		return false;
	for (size_t i = 0; i < in->n_users; i++) {
		if (!user_unpack(&u, in->users[i]))
			return false;
	}
	return items_read(in, NULL);
}

static void states_dispatch(const pb_states *in, const struct remote_state_readers *r)
{
	struct remote_user u;

	if (r->shards)
		r->shards(in->n_shards ? in->shards + 1 : NULL, in->n_shards ? in->n_shards - 1 : 0,
			  r->arg);
	for (size_t i = 0; i < in->n_users; i++) {
		if (user_unpack(&u, in->users[i]))
			r->user(&u, r->arg);
	}
	(void)items_read(in, r);
}

int remote_state_read(struct bytes outcome, const struct remote_state_readers *readers)
{
	pb_states *in = tandem__remote__states__unpack(NULL, outcome.n, outcome.p);
	bool good = in && states_are_valid(in);

	if (good)
		states_dispatch(in, readers);
	if (in)
		tandem__remote__states__free_unpacked(in, NULL);
	return good ? 0 : -EBADMSG;
}
