/* SPDX-License-Identifier: Apache-2.0 */
#include "app/daemon/daemon.h"

#include <string.h>

#include "app/command/command_handlers.h"
#include "app/command/queries.h"
#include "app/document/extensions.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/remote/remote_watch.h"
#include "sig/shard/commons.h"
#include "sig/shard/shard.h"
#include "sig/sip/id.h"

#define PAGE_WAIT_NS (300 * NS_PER_MS) /* one that is about to be given up delays nobody */

/* ---- answers ---- */

static void paging_answer(const struct node *n, uint64_t id, bool found,
			  const struct record_page *p)
{
	const struct web_answered answered = { .id = id, .found = found, .page = *p };

	if (n->web.pages.asks)
		web_asks_answer(n->web.pages.asks, &answered);
}

static void paging_end(struct node_paging *p)
{
	p->serial = 0;
	paging_answer(p->node, p->id, true, &p->best);
}

static void on_page_late(const struct query *q, void *arg)
{
	struct node_paging *p = arg;

	(void)q;
	/* the place may be another question's by now */
	if (p->serial && p->deadline_ns <= clock_now_ns())
		paging_end(p);
}

void node_page_told(struct node *n, const struct remote_paged *told)
{
	for (size_t i = 0; i < COUNT_OF(n->web.pages.list); i++) {
		struct node_paging *p = &n->web.pages.list[i];

		if (p->serial != told->serial)
			continue;
		if (record_page_is_before(&told->page, &p->best))
			p->best = told->page;
		if (--p->awaited == 0)
			paging_end(p);
		return;
	}
}

/* ---- questions ---- */

static struct node_paging *paging_place(struct node *n)
{
	for (size_t i = 0; i < COUNT_OF(n->web.pages.list); i++) {
		if (!n->web.pages.list[i].serial)
			return &n->web.pages.list[i];
	}
	return NULL; /* never: the web has no more places */
}

static uint32_t page_others(const struct node *n)
{
	struct channel_to to[ROSTER_NODES_MAX];

	return n->shards.commons->remote
		       ? claimant_processes(n->cluster.claimant, to, ROSTER_NODES_MAX)
		       : 0;
}

/* False: there are none, or too much is asked just now. */
static bool others_ask(struct node *n, uint64_t id, const struct record_page_ask *ask,
		       const struct record_page *here)
{
	uint32_t others = page_others(n);
	struct node_paging *p = others ? paging_place(n) : NULL;
	struct query *pause = p ? queries_take(n->api.queries) : NULL;
	struct remote_page page = { .serial = rand_u64_from(&n->rand) | 1, .ask = *ask };

	if (!pause)
		return false;
	*p = (struct node_paging){ .node = n,
				   .serial = page.serial,
				   .id = id,
				   .deadline_ns = clock_now_ns() + PAGE_WAIT_NS,
				   .awaited = others,
				   .best = *here };
	queries_pause(pause, p->deadline_ns, on_page_late, p);
	remote_watch_page(n->shards.commons->remote, &page);
	return true;
}

/* Its document still has the link. */
static bool page_is_open(const struct node *n, const struct web_page_of *of)
{
	uint16_t tenant = tenants_find(n->common.tenants, bytes_str(of->tenant));
	struct extension e;
	bool open;

	if (tenant == TENANT_NONE ||
	    !extensions_find(n->api.extensions, tenant, bytes_str(of->number), &e))
		return false;
	open = e.core.record_page && e.page && e.page == of->page;
	extension_wipe(&e);
	return open;
}

static void on_page_asked(const struct web_asked *asked, void *arg)
{
	const struct web_page_ask *a = &asked->ask;
	struct node *n = arg;
	struct record_page_ask ask = { .tenant = bytes_str(a->of.tenant),
				       .number = bytes_str(a->of.number),
				       .act = a->act,
				       .call = a->call };
	struct record_page here = { 0 };

	if (!page_is_open(n, &a->of)) {
		paging_answer(n, asked->id, false, &here);
		return;
	}
	shard_record_page(n->shards.commons, &ask, clock_instant(), &here);
	if (node_shard_find(n, id_shard(a->call))) /* the others have not that call */
		ask = (struct record_page_ask){ .tenant = ask.tenant, .number = ask.number };
	if (!others_ask(n, asked->id, &ask, &here))
		paging_answer(n, asked->id, true, &here);
}

/* ---- life ---- */

int node_pages_open(struct node *n)
{
	static_assert((int)WEB_PAGE_KEY_LEN == (int)KEYS_LEN, "a key of its own");
	keys_derive(&n->keys, "tandem record page 1", n->web.pages.key);
	return web_asks_open(&n->web.pages.asks, on_page_asked, n);
}

void node_pages_close(struct node *n)
{
	web_asks_close(n->web.pages.asks);
	n->web.pages.asks = NULL;
	explicit_bzero(n->web.pages.key, sizeof(n->web.pages.key));
}
