/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of a page: the members of a paging group are rung when its caller is in the room
 * (page.h). Nothing of that is saved. A successor asks again only if the caller is alone in the
 * room: else members were rung, and one that has hung up is not rung again. */
#include "sig/pbx/page.h"

#include <stdio.h>

#include "base/log.h"
#include "sig/call/module.h"
#include "sig/call/prompts.h"
#include "sig/model/conference.h"
#include "sig/model/flow_run.h"
#include "sig/sip/id.h"

enum { PAGE_ASK_MAX = 160, PAGE_WAIT_MS = 5000 };

static bool page_begins(const struct call_host *h, const struct call *c)
{
	const struct room_member *m = c->member;
	const struct room *r =
		m && m->hosts && !m->asks && !m->pages ? conference_room(h, c) : NULL;

	return r && bytes_starts(bytes_str(r->number), PAGE_WORD) &&
	       !(c->restored && (m->next || m->prev));
}

/* The texts need no escapes. */
static void page_command(char ask[PAGE_ASK_MAX], const struct call_host *h, const struct call *c)
{
	struct bytes said = { 0 };
	char room[ID_TEXT_LEN + 1] = "";
	bool unused;

	if (c->run)
		said = variable_get(&c->run->at, BYTES_LIT(PAGE_RECORDING), &unused);
	id_call_put(room, c->member->room);
	if (said.n)
		(void)snprintf(ask, PAGE_ASK_MAX,
			       "{\"command\":\"page.play\",\"args\":{\"name\":\"%s\",\"file\":"
			       "\"" PROMPT_RECORDING BYTES_FMT "\"}}",
			       conference_room(h, c)->number + sizeof(PAGE_WORD) - 1,
			       BYTES_ARG(said));
	else
		(void)snprintf(ask, PAGE_ASK_MAX,
			       "{\"command\":\"page.ring\",\"args\":{\"conference\":\"%s\"}}",
			       room);
}

static void page_settle(struct call_host *h, struct call *c)
{
	struct request_helper *help;
	char ask[PAGE_ASK_MAX];

	if (!page_begins(h, c))
		return;
	c->member->pages = true;
	page_command(ask, h, c);
	help = effects_request(h->effects, EFFECT_HELPER, c->id, rand_u64_from(h->rand) | 1,
			       EFFECT_TEXTS(bytes_str(call_tenant(h, c)), bytes_str(ask)));
	if (!help) {
		LOG_WARN("page", c->id, "no memory to ring the members of a paging group");
		return;
	}
	help->what = HELPER_COMMAND;
	help->ttl_ms = PAGE_WAIT_MS;
}

const struct module page_module = { .settle = page_settle };
