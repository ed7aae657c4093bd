/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/model/siprec.h"

#include <stdlib.h>
#include <string.h>

struct siprec *siprec_make(void)
{
	return calloc(1, sizeof(struct siprec));
}

void siprec_forget_dialog(struct siprec *s)
{
	dialog_clear(&s->dialog);
	s->state = SIPREC_AWAY;
	s->provisional = false;
	s->invite = 0;
	s->said = 0;
	s->challenged = 0;
	s->answer_by_ns = 0;
	s->timer = (struct session_timer){ 0 };
	s->alive = 0;
	s->alive_ns = 0;
	s->held = 0;
	s->offered = false;
	text_wipe(&s->unacked);
}

void siprec_free(struct siprec *s)
{
	if (!s)
		return;
	dialog_clear(&s->dialog);
	text_wipe(&s->unacked);
	explicit_bzero(s, sizeof(*s));
	free(s);
}
