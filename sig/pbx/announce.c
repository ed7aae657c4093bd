/* SPDX-License-Identifier: Apache-2.0 */
/* An announcement when a call is answered (FEATURES CALL-44): where the calling extension has
 * chosen so, the callee first hears a prompt while the caller's phone hears music, or the other way
 * round, or both hear it; then they are bridged. A step module of the call (sig/call/module.h): it
 * looks at the terms of the caller's forwarding settings once a leg is answered, and starts the
 * prompt. A callee behind a trunk counts as outside. */

#include "base/log.h"
#include "sig/call/module.h"
#include "sig/call/prompts.h"

static const struct shard_forward *announce_terms(const struct call_host *h, const struct call *c)
{
	struct bytes user = text_bytes(&call_caller(c)->user);

	return user.n ? h->services->directory->forward(h->owner, c->tenant, user) : NULL;
}

/* Starts the prompt of the calling extension's settings for the callee, the caller or both. */
static void announce_start(struct call_host *h, struct call *c)
{
	const struct leg *callee = call_callee(c);
	const struct shard_forward *f = announce_terms(h, c);
	struct prompt_terms terms = { .file_count = 1, .times = 1 };
	const char *file;
	uint8_t leg;

	if (c->prompts || c->emergency || c->transfer || c->segment_count || !callee || !f)
		return;
	/* a callee behind a trunk is outside */
	file = callee->trunk.n ? f->announce_outside : f->announce_inside;
	leg = f->announce_to == ANNOUNCE_CALLER ? c->bridge.caller : c->bridge.callee;
	if (file[0] && (bytes_cstr(bytes_str(file), terms.files[0], sizeof(terms.files[0])) ||
			!prompts_announce(h, c, leg, &terms, f->announce_to != ANNOUNCE_BOTH)))
		LOG_WARN("call", c->id, "an announcement is left out", LOG_STR("file", file));
}

const struct module announce_module = { .answered = announce_start };
