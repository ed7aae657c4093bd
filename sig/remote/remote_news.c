/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/remote/remote_news.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "sig/host/tenant.h"
#include "sig/remote.pb-c.h"

typedef Tandem__Remote__News pb_news;
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

/* What a message points at while it is packed. */
struct packed_news {
	pb_news news;
	pb_user user, *users[1];
	pb_remote_dialog dialogs[DIALOG_STATES_MAX], *list[DIALOG_STATES_MAX];
	char tenant[TENANT_NAME_MAX];
};

/* ---- written ---- */

static ProtobufCBinaryData news_lend(struct bytes b)
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
	out->shard = d->shard;
	out->waits_utc_ms = d->waits_utc_ms;
	out->call_id = news_lend(d->call_id);
	out->tag = news_lend(d->tag);
	out->remote_tag =
		news_lend(bytes_mem(d->remote_tag.text, named ? sizeof(d->remote_tag.text) : 0));
	out->local = news_lend(d->local);
	out->remote = news_lend(d->remote);
}

static void news_pack(struct packed_news *p, const struct remote_user *u)
{
	tandem__remote__news__init(&p->news);
	tandem__remote__user__init(&p->user);
	p->users[0] = &p->user;
	p->news.users = p->users;
	p->news.n_users = 1;
	p->user.tenant = p->tenant;
	p->user.user = news_lend(u->user);
	p->user.asks = u->asks;
	p->user.holds = u->holds;
	p->user.dialogs = p->list;
	p->user.n_dialogs = u->count;
	for (uint32_t i = 0; i < u->count; i++) {
		dialog_pack(&p->dialogs[i], &u->dialogs[i]);
		p->list[i] = &p->dialogs[i];
	}
}

static void news_put(struct writer *w, const pb_news *news)
{
	uint8_t *to = writer_room(w, tandem__remote__news__get_packed_size(news));

	if (to)
		(void)tandem__remote__news__pack(news, to);
}

void remote_news_add(struct writer *w, const struct remote_user *u)
{
	struct packed_news p;

	if (bytes_cstr(u->tenant, p.tenant, sizeof(p.tenant))) {
		w->overflow = true;
		return;
	}
	news_pack(&p, u);
	while (p.user.n_dialogs && tandem__remote__news__get_packed_size(&p.news) > w->cap - w->n)
		p.user.n_dialogs--;
	news_put(w, &p.news);
}

void remote_news_add_shards(struct writer *w, const uint32_t *shards, size_t count)
{
	uint32_t list[1 + REMOTE_SHARDS_MAX] = { 0 };
	pb_news news;

	assert(count <= REMOTE_SHARDS_MAX);
	tandem__remote__news__init(&news);
	memcpy(list + 1, shards, count * sizeof(*list));
	news.shards = list;
	news.n_shards = 1 + count;
	news_put(w, &news);
}

void remote_news_add_pick(struct writer *w, const struct remote_pick *p)
{
	pb_news news;
	pb_pick pick, *picks[] = { &pick };
	char tenant[TENANT_NAME_MAX];

	if (bytes_cstr(p->tenant, tenant, sizeof(tenant))) {
		w->overflow = true;
		return;
	}
	tandem__remote__news__init(&news);
	tandem__remote__pick__init(&pick);
	pick.serial = p->serial;
	pick.tenant = tenant;
	pick.by = news_lend(p->by);
	pick.of = news_lend(p->of);
	news.picks = picks;
	news.n_picks = 1;
	news_put(w, &news);
}

void remote_news_add_picked(struct writer *w, const struct remote_picked *p)
{
	pb_news news;
	pb_picked picked, *list[] = { &picked };

	tandem__remote__news__init(&news);
	tandem__remote__picked__init(&picked);
	picked.serial = p->serial;
	picked.call = p->call;
	picked.utc_ms = p->utc_ms;
	picked.promised = p->promised;
	news.picked = list;
	news.n_picked = 1;
	news_put(w, &news);
}

void remote_news_add_join(struct writer *w, const struct remote_join *j)
{
	char tenant[TENANT_NAME_MAX];
	pb_news news;
	pb_join join, *list[] = { &join };

	if (bytes_cstr(j->tenant, tenant, sizeof(tenant))) {
		w->overflow = true;
		return;
	}
	tandem__remote__news__init(&news);
	tandem__remote__join__init(&join);
	join.serial = j->serial;
	join.tenant = tenant;
	join.call = j->call;
	join.leg = (uint32_t)j->leg;
	join.slot = (char *)(uintptr_t)j->slot;
	join.room = j->dialog ? 0 : j->room;
	join.into = j->dialog ? j->room : 0;
	join.leaves = news_lend(j->leaves);
	join.dialog = j->dialog;
	news.joins = list;
	news.n_joins = 1;
	news_put(w, &news);
}

void remote_news_add_joined(struct writer *w, const struct remote_joined *j)
{
	bool ok = j->verdict == REMOTE_OK;
	pb_news news;
	pb_joined joined, *list[] = { &joined };

	tandem__remote__news__init(&news);
	tandem__remote__joined__init(&joined);
	joined.serial = j->serial;
	joined.verdict = (uint32_t)j->verdict;
	joined.alone = j->remote.alone;
	joined.user = news_lend(j->remote.user);
	joined.call_id = news_lend(j->remote.call_id);
	joined.from_tag = news_lend(j->remote.from_tag);
	joined.to_tag = news_lend(bytes_mem(j->remote.to_tag, ok ? ID_TAG_LEN : 0));
	news.joined = list;
	news.n_joined = 1;
	news_put(w, &news);
}

void remote_news_add_page(struct writer *w, const struct remote_page *p)
{
	char tenant[TENANT_NAME_MAX];
	pb_news news;
	pb_page page, *list[] = { &page };

	if (bytes_cstr(p->ask.tenant, tenant, sizeof(tenant))) {
		w->overflow = true;
		return;
	}
	tandem__remote__news__init(&news);
	tandem__remote__page__init(&page);
	page.serial = p->serial;
	page.tenant = tenant;
	page.number = news_lend(p->ask.number);
	page.act = (uint32_t)p->ask.act;
	page.call = p->ask.call;
	news.pages = list;
	news.n_pages = 1;
	news_put(w, &news);
}

void remote_news_add_paged(struct writer *w, const struct remote_paged *p)
{
	pb_news news;
	pb_paged paged, *list[] = { &paged };

	tandem__remote__news__init(&news);
	tandem__remote__paged__init(&paged);
	paged.serial = p->serial;
	paged.state = (uint32_t)p->page.state;
	paged.place = (uint32_t)p->page.place;
	paged.call = p->page.call;
	paged.utc_ms = p->page.utc_ms;
	paged.lasts = p->page.lasts;
	news.paged = list;
	news.n_paged = 1;
	news_put(w, &news);
}

void remote_news_add_guess(struct writer *w, const struct remote_guess *g)
{
	char tenant[TENANT_NAME_MAX];
	pb_news news;
	pb_guess guess, *list[] = { &guess };

	if (bytes_cstr(g->guess.tenant, tenant, sizeof(tenant))) {
		w->overflow = true;
		return;
	}
	tandem__remote__news__init(&news);
	tandem__remote__guess__init(&guess);
	guess.tenant = tenant;
	guess.object = news_lend(g->guess.object);
	guess.source = news_lend(g->guess.source);
	guess.caller = news_lend(g->guess.caller);
	guess.right = g->right;
	news.guesses = list;
	news.n_guesses = 1;
	news_put(w, &news);
}

void remote_news_add_share(struct writer *w, const struct share_word *word)
{
	pb_news news;
	pb_share share, *list[] = { &share };

	tandem__remote__news__init(&news);
	tandem__remote__share__init(&share);
	share.id = word->id;
	share.limit = word->limit;
	share.want = word->want;
	share.given = word->given;
	share.refused = word->refused;
	news.shares = list;
	news.n_shares = 1;
	news_put(w, &news);
}

/* ---- read ---- */

static bool news_line(struct bytes *out, const ProtobufCBinaryData *in, size_t max)
{
	*out = bytes_mem(in->data, in->len);
	for (size_t i = 0; i < in->len && in->len <= max; i++) {
		if ((in->data[i] < ' ' && in->data[i] != '\t') || in->data[i] == 0x7f)
			return false;
	}
	return in->len <= max;
}

static bool dialog_unpack(struct dialog_state *out, const pb_remote_dialog *in)
{
	struct bytes tag;

	*out = (struct dialog_state){ .id = in->id,
				      .phase = (enum dialog_phase)in->phase,
				      .recipient = in->recipient,
				      .held = in->held,
				      .shard = in->shard,
				      .waits_utc_ms = in->waits_utc_ms };
	if (!in->id || in->phase >= PHASE_TERMINATED ||
	    in->remote_tag.len != (in->call_id.len ? sizeof(out->remote_tag.text) : 0))
		return false;
	if (!news_line(&tag, &in->remote_tag, sizeof(out->remote_tag.text)))
		return false;
	if (tag.n)
		memcpy(out->remote_tag.text, tag.p, tag.n);
	return news_line(&out->call_id, &in->call_id, DIALOG_TEXT_MAX) &&
	       news_line(&out->tag, &in->tag, DIALOG_TEXT_MAX) &&
	       news_line(&out->local, &in->local, DIALOG_TEXT_MAX) &&
	       news_line(&out->remote, &in->remote, DIALOG_TEXT_MAX);
}

static bool user_unpack(struct remote_user *out, const pb_user *in)
{
	*out = (struct remote_user){ .tenant = bytes_str(in->tenant),
				     .asks = in->asks,
				     .holds = in->holds };
	if (!out->tenant.n || out->tenant.n >= TENANT_NAME_MAX || !in->user.len ||
	    !news_line(&out->user, &in->user, REMOTE_USER_MAX) ||
	    in->n_dialogs > DIALOG_STATES_MAX || (in->asks && in->n_dialogs) ||
	    (in->holds && !in->asks))
		return false;
	for (; out->count < in->n_dialogs; out->count++) {
		if (!dialog_unpack(&out->dialogs[out->count], in->dialogs[out->count]))
			return false;
	}
	return true;
}

static bool pick_unpack(struct remote_pick *out, const pb_pick *in)
{
	*out = (struct remote_pick){ .serial = in->serial, .tenant = bytes_str(in->tenant) };
	return in->serial && out->tenant.n && out->tenant.n < TENANT_NAME_MAX && in->by.len &&
	       news_line(&out->by, &in->by, REMOTE_USER_MAX) &&
	       news_line(&out->of, &in->of, REMOTE_USER_MAX);
}

static bool join_unpack(struct remote_join *out, const pb_join *in)
{
	*out = (struct remote_join){ .serial = in->serial,
				     .call = in->call,
				     .tenant = bytes_str(in->tenant),
				     .leg = (enum shard_leg)in->leg,
				     .room = in->room ? in->room : in->into,
				     .dialog = (uint8_t)in->dialog };
	return in->serial && in->call && in->dialog <= ID_LEG_MAX + 1 && out->tenant.n &&
	       out->tenant.n < TENANT_NAME_MAX && in->leg <= SHARD_LEG_CALLEE &&
	       news_line(&out->leaves, &in->leaves, REMOTE_USER_MAX) &&
	       (!in->slot[0] || park_slot_is(bytes_str(in->slot))) &&
	       !bytes_cstr(bytes_str(in->slot), out->slot, sizeof(out->slot));
}

static bool joined_unpack(struct remote_joined *out, const pb_joined *in)
{
	struct bytes tag;

	*out = (struct remote_joined){ .serial = in->serial,
				       .verdict = (enum remote_verdict)in->verdict,
				       .remote.alone = in->alone };
	if (!in->serial || in->verdict >= REMOTE_VERDICTS ||
	    in->to_tag.len != (in->verdict ? 0 : sizeof(out->remote.to_tag)) ||
	    !news_line(&tag, &in->to_tag, sizeof(out->remote.to_tag)) ||
	    !news_line(&out->remote.user, &in->user, REMOTE_USER_MAX) ||
	    !news_line(&out->remote.call_id, &in->call_id, DIALOG_TEXT_MAX) ||
	    !news_line(&out->remote.from_tag, &in->from_tag, DIALOG_TEXT_MAX))
		return false;
	if (tag.n)
		memcpy(out->remote.to_tag, tag.p, tag.n);
	return true;
}

static bool page_unpack(struct remote_page *out, const pb_page *in)
{
	*out = (struct remote_page){ .serial = in->serial,
				     .ask = { .tenant = bytes_str(in->tenant),
					      .act = (enum record_page_act)in->act,
					      .call = in->call } };
	return in->serial && out->ask.tenant.n && out->ask.tenant.n < TENANT_NAME_MAX &&
	       in->number.len && news_line(&out->ask.number, &in->number, REMOTE_USER_MAX) &&
	       in->act < RECORD_PAGE_ACTS && (in->act == RECORD_PAGE_LOOK) == (in->call == 0);
}

static bool paged_unpack(struct remote_paged *out, const pb_paged *in)
{
	*out = (struct remote_paged){ .serial = in->serial,
				      .page = { .state = (enum record_page_state)in->state,
						.place = (enum record_page_place)in->place,
						.call = in->call,
						.utc_ms = in->utc_ms,
						.lasts = in->lasts } };
	return in->serial && in->state < RECORD_PAGE_STATES && in->place < RECORD_PAGE_PLACES &&
	       (in->state == RECORD_PAGE_NOTHING) == (in->call == 0);
}

static bool guess_unpack(struct remote_guess *out, const pb_guess *in)
{
	struct secret_guess *g = &out->guess;

	*out = (struct remote_guess){ .guess.tenant = bytes_str(in->tenant), .right = in->right };
	return g->tenant.n && g->tenant.n < TENANT_NAME_MAX && in->object.len && in->source.len &&
	       news_line(&g->object, &in->object, SECRET_TEXT_MAX) &&
	       news_line(&g->source, &in->source, SECRET_TEXT_MAX) &&
	       news_line(&g->caller, &in->caller, SECRET_TEXT_MAX);
}

static bool guesses_are_good(const pb_news *in)
{
	struct remote_guess g;

	for (size_t i = 0; i < in->n_guesses; i++) {
		if (!guess_unpack(&g, in->guesses[i]))
			return false;
	}
	return true;
}

static bool pages_are_good(const pb_news *in)
{
	struct remote_page page;
	struct remote_paged paged;

	for (size_t i = 0; i < in->n_pages; i++) {
		if (!page_unpack(&page, in->pages[i]))
			return false;
	}
	for (size_t i = 0; i < in->n_paged; i++) {
		if (!paged_unpack(&paged, in->paged[i]))
			return false;
	}
	return true;
}

static bool joins_are_good(const pb_news *in)
{
	struct remote_join j;
	struct remote_joined d;

	for (size_t i = 0; i < in->n_joins; i++) {
		if (!join_unpack(&j, in->joins[i]))
			return false;
	}
	for (size_t i = 0; i < in->n_joined; i++) {
		if (!joined_unpack(&d, in->joined[i]))
			return false;
	}
	return true;
}

static bool shares_are_good(const pb_news *in)
{
	for (size_t i = 0; i < in->n_shares; i++) {
		const pb_share *p = in->shares[i];

		if (!p->id || !p->limit || p->want > p->limit)
			return false;
	}
	return true;
}

static bool news_are_good(const pb_news *in)
{
	struct remote_user u;
	struct remote_pick p;

	if (in->n_shards > 1 + REMOTE_SHARDS_MAX || (in->n_shards && in->shards[0]))
		return false;
	for (size_t i = 0; i < in->n_users; i++) {
		if (!user_unpack(&u, in->users[i]))
			return false;
	}
	for (size_t i = 0; i < in->n_picks; i++) {
		if (!pick_unpack(&p, in->picks[i]))
			return false;
	}
	for (size_t i = 0; i < in->n_picked; i++) {
		if (!in->picked[i]->serial)
			return false;
	}
	return joins_are_good(in) && pages_are_good(in) && guesses_are_good(in) &&
	       shares_are_good(in);
}

static void joins_tell(const pb_news *in, const struct remote_news_readers *r)
{
	struct remote_join j;
	struct remote_joined d;

	for (size_t i = 0; i < in->n_joins; i++) {
		if (join_unpack(&j, in->joins[i]))
			r->join(&j, r->arg);
	}
	for (size_t i = 0; i < in->n_joined; i++) {
		if (joined_unpack(&d, in->joined[i]))
			r->joined(&d, r->arg);
	}
}

static void pages_tell(const pb_news *in, const struct remote_news_readers *r)
{
	struct remote_page page;
	struct remote_paged paged;

	for (size_t i = 0; i < in->n_pages; i++) {
		if (page_unpack(&page, in->pages[i]))
			r->page(&page, r->arg);
	}
	for (size_t i = 0; i < in->n_paged; i++) {
		if (paged_unpack(&paged, in->paged[i]))
			r->paged(&paged, r->arg);
	}
}

static void news_tell(const pb_news *in, const struct remote_news_readers *r)
{
	struct remote_user u;
	struct remote_pick p;
	struct remote_guess g;

	if (r->shards)
		r->shards(in->n_shards ? in->shards + 1 : NULL, in->n_shards ? in->n_shards - 1 : 0,
			  r->arg);
	for (size_t i = 0; i < in->n_users; i++) {
		if (user_unpack(&u, in->users[i]))
			r->user(&u, r->arg);
	}
	for (size_t i = 0; i < in->n_picks; i++) {
		if (pick_unpack(&p, in->picks[i]))
			r->pick(&p, r->arg);
	}
	for (size_t i = 0; i < in->n_picked; i++)
		r->picked(&(struct remote_picked){ .serial = in->picked[i]->serial,
						   .call = in->picked[i]->call,
						   .utc_ms = in->picked[i]->utc_ms,
						   .promised = in->picked[i]->promised },
			  r->arg);
	for (size_t i = 0; i < in->n_shares; i++)
		r->share(&(struct share_word){ .id = in->shares[i]->id,
					       .limit = in->shares[i]->limit,
					       .want = in->shares[i]->want,
					       .given = in->shares[i]->given,
					       .refused = in->shares[i]->refused },
			 r->arg);
	joins_tell(in, r);
	pages_tell(in, r);
	for (size_t i = 0; i < in->n_guesses; i++) {
		if (guess_unpack(&g, in->guesses[i]))
			r->guess(&g, r->arg);
	}
}

int remote_news_read(struct bytes news, const struct remote_news_readers *readers)
{
	pb_news *in = tandem__remote__news__unpack(NULL, news.n, news.p);
	bool good = in && news_are_good(in);

	if (good)
		news_tell(in, readers);
	if (in)
		tandem__remote__news__free_unpacked(in, NULL);
	return good ? 0 : -EBADMSG;
}
