/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones are asked to answer by themselves (FEATURES REG-18): Alert-Info (RFC 3261 20.4) in the first INVITE to whom a command calls first
 * and wants it. Nothing of it is saved: the INVITE is.
 */
#include "sig/call/module.h"

static void auto_answer_headers(struct writer *w, const struct call_host *h, const struct call *c,
				uint8_t leg)
{
	(void)h;
	if (leg == c->bridge.caller && c->auto_answer && c->legs[leg]->state == LEG_EARLY)
		/* the URI is there for the grammar */
		writer_str(w, "Alert-Info: <http://localhost>;info=alert-autoanswer\r\n");
}

const struct module auto_answer_module = { .name = "auto_answer", .headers = auto_answer_headers };
