/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the octets of prompts onto this node: from the sound thread's folder, else from Redis by
 * their hash, and back into Redis if it lost them. document kinds put and delete prompts here; the
 * sound thread then knows their names (app/sound/prompt_cache.h). Files are named by hash, so equal
 * prompts share one, and a file is swept only when no document names it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/prompt/prompts.h"
#include "app/node/node.h"
#include "app/node/node_media.h"
#include "app/node/node_wait.h"
#include "app/sound/sounds.h"
#include "base/clock.h"
#include "base/log.h"

#define AGAIN_NS  (10 * NS_PER_S)
#define SOON_NS   (500 * NS_PER_MS)
#define LOOKED_NS (3600 * NS_PER_S)

enum { FETCHING_MAX = 4 };

static metric_id g_here, g_lacked;

static struct node_prompts {
	struct node_prompt *list;
	uint32_t count, room;
	uint32_t looked;   /* Redis was asked about the octets of those before */
	bool looking;      /* Redis has not answered that question yet */
	uint64_t look_ns;  /* when all are checked again */
	uint64_t sweep_ns; /* when unneeded files are swept; 0: in an hour */
	uint32_t fetching; /* from Redis, now */
} g_prompts;

const struct metric_def g_prompt_metric_rows[] = {
	{ &g_here, METRIC_GAUGE, "tandem_prompts",
	  "Prompts of tenants that are documents, by whether this node has their octets.",
	  "state=\"here\"" },
	{ &g_lacked, METRIC_GAUGE, "tandem_prompts",
	  "Prompts of tenants that are documents, by whether this node has their octets.",
	  "state=\"lacked\"" },
	{ NULL },
};

static struct store_blob prompt_blob(const char *tenant, const char *hash)
{
	return (struct store_blob){ bytes_str(tenant), "prompt", hash };
}

/* ---- prompts ---- */

static struct node_prompt *prompt_of(const char *tenant, const char *name, const char *language)
{
	const struct node_prompts *all = &g_prompts;

	for (uint32_t i = 0; i < all->count; i++) {
		struct node_prompt *p = &all->list[i];

		if (!strcmp(p->value.name, name) && !strcmp(p->value.language, language) &&
		    !strcmp(p->tenant, tenant))
			return p;
	}
	return NULL;
}

const struct node_prompt *node_prompt_find(const char *tenant, struct bytes name,
					   struct bytes language)
{
	char named[PROMPT_DOCUMENT_MAX], spoken[LANGUAGE_MAX];
	const struct node_prompt *p;

	if (bytes_cstr(name, named, sizeof(named)) || bytes_cstr(language, spoken, sizeof(spoken)))
		return NULL;
	p = prompt_of(tenant, named, spoken);
	return p && p->value.sha256[0] ? p : NULL;
}

/* Whether a prompt of the tenant has these octets. */
static bool hash_is_named(const char *tenant, const char *hash)
{
	const struct node_prompts *all = &g_prompts;

	for (uint32_t i = 0; i < all->count; i++)
		if (!strcmp(all->list[i].value.sha256, hash) &&
		    !strcmp(all->list[i].tenant, tenant))
			return true;
	return false;
}

/* Releases octets that no document names any more. Each node does so, as one of them lives. */
static void hash_release(struct node *n, const char *tenant, const char *hash)
{
	const struct store_blob blob = prompt_blob(tenant, hash);

	if (n->redis->store && !hash_is_named(tenant, hash))
		store_blob_expire(n->redis->store, &blob);
}

static struct node_prompt *prompt_add(struct node_prompts *all)
{
	uint32_t room = all->room ? 2 * all->room : 64;
	struct node_prompt *list =
		all->count < all->room ? all->list : realloc(all->list, room * sizeof(*list));

	if (!list)
		return NULL;
	if (list != all->list || all->count == all->room)
		all->room = room;
	all->list = list;
	list[all->count] = (struct node_prompt){ 0 };
	return &list[all->count++];
}

int node_prompt_put(struct node *n, const char *tenant, const struct prompt_value *v)
{
	struct node_prompt *p = prompt_of(tenant, v->name, v->language);
	char before[PROMPT_HASH_TEXT] = "";

	if (p)
		memcpy(before, p->value.sha256, sizeof(before));
	else
		p = prompt_add(&g_prompts);
	if (!p)
		return -ENOMEM;
	(void)bytes_cstr(bytes_str(tenant), p->tenant, sizeof(p->tenant));
	p->value = *v;
	if (!strcmp(before, v->sha256) && p->state != NODE_PROMPT_OVER)
		return 0;
	p->state = NODE_PROMPT_WANTED;
	p->again_ns = 0;
	p->fault = NULL;
	if (before[0])
		hash_release(n, tenant, before);
	node_prompts_second(n, clock_now_ns());
	return 0;
}

/* ---- its octets ---- */

static struct prompt_work *work_make(const struct node_prompt *p, enum prompt_work_kind kind)
{
	struct prompt_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->kind = kind;
	w->fd = -1;
	memcpy(w->of.tenant, p->tenant, strlen(p->tenant));
	memcpy(w->of.file, p->value.name, strlen(p->value.name));
	memcpy(w->of.language, p->value.language, sizeof(p->value.language));
	memcpy(w->hash, p->value.sha256, sizeof(w->hash));
	return w;
}

/* False: the thread's queue is full. Frees the work. */
static bool work_send(struct node *n, struct prompt_work *w)
{
	if (w && n->media->sounds && sounds_work(n->media->sounds, w))
		return true;
	prompt_work_free(w);
	return false;
}

/* The prompt of the work, if its document still names those octets. */
static struct node_prompt *work_prompt(const struct prompt_work *w)
{
	struct node_prompt *p = prompt_of(w->of.tenant, w->of.file, w->of.language);

	return p && !strcmp(p->value.sha256, w->hash) ? p : NULL;
}

static void node_prompt_fail(struct node_prompt *p, const char *why)
{
	if (!p->fault || strcmp(p->fault, why) != 0)
		LOG_WARN("prompt", 0, "a prompt is not here", LOG_STR("tenant", p->tenant),
			 LOG_STR("name", p->value.name), LOG_STR("language", p->value.language),
			 LOG_STR("reason", why),
			 LOG_STR("next", "it is tried again; prompt.put puts it anew"));
	p->fault = why;
	p->again_ns = clock_now_ns() + AGAIN_NS;
}

struct prompt_fetch {
	struct node *node;
	struct prompt_work *work;
};

static void fetch_keep(struct prompt_fetch *f, struct node_prompt *p, struct bytes octets)
{
	struct prompt_work *w = f->work;

	w->octets = octets.n && octets.n <= PROMPT_OCTETS_MAX ? malloc(octets.n) : NULL;
	if (!w->octets) {
		node_prompt_fail(p, octets.n ? "no memory" : "Redis has no octets of it");
		return;
	}
	memcpy(w->octets, octets.p, octets.n);
	w->n = octets.n;
	f->work = NULL;
	if (work_send(f->node, w))
		p->state = NODE_PROMPT_ASKED;
	else
		p->again_ns = clock_now_ns() + SOON_NS;
}

static void prompt_on_fetched(enum store_result result, bool there, struct bytes octets, void *arg)
{
	struct prompt_fetch *f = arg;
	struct node_prompt *p = work_prompt(f->work);

	g_prompts.fetching--;
	if (p && p->state == NODE_PROMPT_LACKED) {
		if (result != STORE_OK)
			p->again_ns = clock_now_ns() + SOON_NS;
		else
			fetch_keep(f, p, there ? octets : (struct bytes){ 0 });
	}
	prompt_work_free(f->work);
	free(f);
}

static void prompt_fetch(struct node *n, struct node_prompt *p)
{
	const struct store_blob blob = prompt_blob(p->tenant, p->value.sha256);
	struct prompt_fetch *f = malloc(sizeof(*f));

	p->again_ns = clock_now_ns() + AGAIN_NS;
	if (!f)
		return;
	*f = (struct prompt_fetch){ n, work_make(p, PROMPT_WORK_NAME) };
	if (!f->work) {
		free(f);
		return;
	}
	g_prompts.fetching++;
	store_blob_get(n->redis->store, &blob, prompt_on_fetched, f);
}

/* Whether the prompt has expired, by this node's clock, which agrees with the others'. */
static bool prompt_is_over(const struct node_prompt *p)
{
	return p->value.sha256[0] && p->value.until_utc_ms &&
	       clock_utc_ms() >= p->value.until_utc_ms;
}

static void prompt_end(struct node *n, struct node_prompt *p)
{
	struct prompt_work *w =
		p->state != NODE_PROMPT_OVER ? work_make(p, PROMPT_WORK_NAME) : NULL;

	if (w)
		w->hash[0] = '\0';
	if (w && work_send(n, w))
		p->state = NODE_PROMPT_OVER;
}

static void prompt_step(struct node *n, struct node_prompt *p, uint64_t now_ns)
{
	if (prompt_is_over(p)) {
		prompt_end(n, p);
		return;
	}
	if (now_ns < p->again_ns)
		return;
	if (p->state == NODE_PROMPT_WANTED && work_send(n, work_make(p, PROMPT_WORK_NAME)))
		p->state = NODE_PROMPT_ASKED;
	else if (p->state == NODE_PROMPT_LACKED && g_prompts.fetching < FETCHING_MAX)
		prompt_fetch(n, p);
}

/* ---- octets that Redis has lost ---- */

static void prompt_on_put_back(enum store_result result, bool there, struct bytes octets, void *arg)
{
	(void)there;
	(void)octets;
	(void)arg;
	if (result != STORE_OK)
		LOG_WARN("prompt", 0, "the octets of a prompt could not be put back into Redis");
}

static void prompt_on_looked(enum store_result result, bool there, struct bytes octets, void *arg)
{
	struct prompt_fetch *f = arg;
	struct node *n = f->node;

	(void)octets;
	g_prompts.looking = false;
	if (result != STORE_OK) {
		g_prompts.look_ns = clock_now_ns() + AGAIN_NS;
		g_prompts.looked = g_prompts.count;
	} else if (!there && work_prompt(f->work)) {
		(void)work_send(n, f->work);
		f->work = NULL;
	}
	prompt_work_free(f->work);
	free(f);
	if (result == STORE_OK)
		node_prompts_second(n, clock_now_ns());
}

/* Checks the next prompt with octets on this node. */
static void prompts_look(struct node *n)
{
	struct node_prompts *all = &g_prompts;
	struct prompt_fetch *f = NULL;
	struct store_blob blob;

	while (all->looked < all->count && all->list[all->looked].state != NODE_PROMPT_HERE)
		all->looked++;
	if (all->looked < all->count)
		f = malloc(sizeof(*f));
	if (!f)
		return;
	*f = (struct prompt_fetch){ n, work_make(&all->list[all->looked], PROMPT_WORK_OCTETS) };
	blob = prompt_blob(all->list[all->looked].tenant, all->list[all->looked].value.sha256);
	all->looked++;
	all->looking = f->work != NULL;
	if (all->looking)
		store_blob_keep(n->redis->store, &blob, prompt_on_looked, f);
	else
		free(f);
}

void node_prompts_doubt(struct node *n)
{
	(void)n;
	g_prompts.look_ns = 0;
}

static void on_octets(struct node *n, const struct prompt_work *w)
{
	const struct store_blob blob = prompt_blob(w->of.tenant, w->hash);

	if (w->octets && !w->fault.reason)
		store_blob_put(n->redis->store, &blob, bytes_mem(w->octets, w->n),
			       prompt_on_put_back, NULL);
}

/* ---- the state of a prompt at this node ---- */

static void on_named(struct node *n, const struct prompt_work *w)
{
	struct node_prompt *p = work_prompt(w);

	if (!p || p->state != NODE_PROMPT_ASKED)
		return;
	if (!w->hash[0]) {
		*p = g_prompts.list[--g_prompts.count];
		return;
	}
	if (!w->fault.reason) {
		const struct store_blob blob = prompt_blob(p->tenant, w->hash);

		p->state = NODE_PROMPT_HERE;
		p->fault = NULL;
		store_blob_keep(n->redis->store, &blob, NULL,
				NULL); /* a deleted one may have had it */
		return;
	}
	p->state = NODE_PROMPT_LACKED;
	if (w->fault.absent)
		p->again_ns = 0;
	else
		node_prompt_fail(p, w->fault.reason);
}

void node_prompts_on_work(struct node *n, struct prompt_work *w)
{
	if (w->kind == PROMPT_WORK_OCTETS)
		on_octets(n, w);
	else if (w->kind == PROMPT_WORK_NAME)
		on_named(n, w);
	prompt_work_free(w);
	node_prompts_second(n, clock_now_ns());
}

void node_prompt_delete(struct node *n, const char *tenant, const char *document)
{
	struct bytes language = bytes_str(document), name = { 0 };
	char hash[PROMPT_HASH_TEXT], named[PROMPT_DOCUMENT_MAX], spoken[LANGUAGE_MAX];
	struct node_prompt *p = NULL;

	(void)bytes_cut(&language, ':', &name);
	if (!bytes_cstr(name, named, sizeof(named)) &&
	    !bytes_cstr(language, spoken, sizeof(spoken)))
		p = prompt_of(tenant, named, spoken);
	if (!p)
		return;
	memcpy(hash, p->value.sha256, sizeof(hash));
	p->value.sha256[0] = '\0'; /* it goes from the list when the thread of sounds knows */
	p->state = NODE_PROMPT_WANTED;
	p->again_ns = 0;
	hash_release(n, tenant, hash);
	node_prompts_second(n, clock_now_ns());
}

/* Behind the names known by now: none of their files goes. */
static void prompts_sweep(struct node *n, uint64_t now_ns)
{
	const struct node_prompt none = { 0 };

	if (!g_prompts.sweep_ns)
		g_prompts.sweep_ns = now_ns + LOOKED_NS;
	if (now_ns >= g_prompts.sweep_ns && work_send(n, work_make(&none, PROMPT_WORK_SWEEP)))
		g_prompts.sweep_ns = now_ns + LOOKED_NS;
}

void node_prompts_second(struct node *n, uint64_t now_ns)
{
	struct node_prompts *all = &g_prompts;
	uint32_t here = 0, over = 0;

	if (!n->media->sounds)
		return;
	for (uint32_t i = 0; i < all->count; i++) {
		prompt_step(n, &all->list[i], now_ns);
		here += all->list[i].state == NODE_PROMPT_HERE;
		over += all->list[i].state == NODE_PROMPT_OVER;
	}
	metric_set(g_here, here);
	metric_set(g_lacked, all->count - here - over);
	if (now_ns >= all->look_ns && !all->looking) {
		all->look_ns = now_ns + LOOKED_NS;
		all->looked = 0;
	}
	if (!all->looking)
		prompts_look(n);
	prompts_sweep(n, now_ns);
}

void node_prompts_close(struct node *n)
{
	(void)n;
	free(g_prompts.list);
	g_prompts = (struct node_prompts){ 0 };
}
