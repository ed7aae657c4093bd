/* SPDX-License-Identifier: Apache-2.0 */
/* What phones write to each other outside of calls (RFC 3428), and the checks of it. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/scenario.h"
#include "tests/sim/sim.h"

/* No seed of seeds.txt has any. */
#define PAGES_SOURCE UINT64_C(0x7061676573)

enum { SOME_WRITE = 250, FROM_MS = 2000, TO_MS = 90000, TEXT_MAX_N = 4096 };

static void page_ask(struct sim *s, struct phone_page *g, const char *credentials)
{
	struct phone *p = &s->phones.list[g->from];
	struct phone_call c = { .phone = p, .tag = "page" };
	char text[TEXT_MAX_N], branch[96], number[16], body[32], extra[1200];
	struct phone_request r = { .method = "MESSAGE",
				   .cseq = ++g->cseq,
				   .extra = extra,
				   .type = "Content-Type: text/plain\r\n",
				   .body = body };
	unsigned index = (unsigned)(g - s->phones.pages);

	(void)snprintf(body, sizeof(body), "page %u", index);
	(void)snprintf(extra, sizeof(extra), "%s", credentials);
	(void)snprintf(c.call_id, sizeof(c.call_id), "page-%u", index);
	(void)snprintf(c.local, sizeof(c.local), "sip:%s@%s", p->user, g_sim_domain);
	(void)snprintf(c.remote, sizeof(c.remote), "sip:%s@%s", node_extension(g->to, number),
		       g_sim_domain);
	(void)snprintf(c.target, sizeof(c.target), "%s", c.remote);
	r.branch = phone_branch(p, branch);
	(void)phone_txn_ask(s, p, NULL, SIP_MESSAGE, branch,
			    phone_write_request(&c, &r, text, sizeof(text)));
}

void phone_page(struct sim *s, struct phone *p, uint32_t to)
{
	struct phone_page *g = &s->phones.pages[s->phones.page_count];

	if (!p->alive || s->phones.page_count == PAGES_MAX)
		return;
	s->phones.page_count++;
	*g = (struct phone_page){ .from = p->index, .to = to };
	s->totals.pages++;
	page_ask(s, g, "");
}

static struct phone_page *page_of(struct sim *s, struct bytes text, size_t prefix)
{
	uint32_t index;

	if (bytes_u32(bytes_from(text, prefix), &index) || index >= s->phones.page_count)
		return NULL;
	return &s->phones.pages[index];
}

void phone_page_answered(struct sim *s, struct phone *p, const struct sip_message *m)
{
	struct phone_page *g = page_of(s, m->call_id, strlen("page-"));
	char uri[64], number[16], credentials[1024];

	if (!g || m->status < 200)
		return;
	if ((m->status == 401 || m->status == 407) && !g->tries++) {
		(void)snprintf(uri, sizeof(uri), "sip:%s@%s", node_extension(g->to, number),
			       g_sim_domain);
		page_ask(s, g, phone_credentials(s, p, m, "MESSAGE", uri, credentials));
		return;
	}
	g->status = m->status;
	if (m->status / 100 == 2 && !g->taken)
		check_fail(s, "page-%u is taken, and no phone took it",
			   (unsigned)(g - s->phones.pages));
	s->totals.paged += m->status / 100 == 2;
}

/* Where neither its way nor its node was another meanwhile a copy is known by its branch, also behind a kill. */
static bool page_is_doubled(const struct sim *s, const struct phone *p, const struct phone_page *g)
{
	return (g->came & 1U << p->index) && s->node_count == 1 && p->transport == SIP_UDP &&
	       !p->roamed && !p->vanished_ns && !s->totals.lost_alone;
}

void phone_page_came(struct sim *s, struct phone *p, struct phone_txn *t,
		     const struct sip_message *m)
{
	struct phone_page *g = page_of(s, m->body, strlen("page "));
	char text[TEXT_MAX_N];
	uint16_t status = 200;

	if (!g || p->extension != g->to) {
		check_fail(s, "%s#%u: a page that is not for it", p->user, p->index);
		return;
	}
	if (page_is_doubled(s, p, g))
		check_fail(s, "%s#%u: the same page twice", p->user, p->index);
	g->came |= 1U << p->index;
	if (!s->script && (p->index + g->from + g->to) % 4 == 3)
		status = 486;
	g->taken |= status == 200;
	phone_txn_answer(s, p, t, status,
			 phone_write_response(p, m, status, "page", "", "", text, sizeof(text)));
}

uint32_t phone_pages_taken(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->phones.page_count; i++)
		n += s->phones.pages[i].status / 100 == 2;
	return n;
}

bool phone_is_paging(const struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.page_count; i++) {
		if (!s->phones.pages[i].status)
			return true;
	}
	return false;
}

/* ---- of some runs ---- */

static void on_page(struct sim *s, const struct event *e)
{
	phone_page(s, &s->phones.list[e->who], (uint32_t)e->a);
}

/* To any extension, or to one that is not there. */
void scenario_pages(struct sim *s)
{
	struct rand_source r;
	uint32_t count, who, to;
	uint64_t at;

	rand_open_seed(&r, s->seed ^ PAGES_SOURCE);
	if (rand_below(&r, 1000) >= SOME_WRITE)
		return;
	for (count = 1 + rand_below(&r, PAGES_MAX); count; count--) {
		who = rand_below(&r, s->phones.count);
		to = rand_below(&r, s->phones.extension_count + 1);
		at = (FROM_MS + rand_below(&r, TO_MS)) * NS_PER_MS;
		sim_after(s, at, on_page, who, to, 0);
	}
}
