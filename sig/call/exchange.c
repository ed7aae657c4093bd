/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/exchange.h"

void exchange_clear(struct exchange *x)
{
	text_clear(&x->offer_in);
	text_clear(&x->offer_out);
	text_clear(&x->answer_in);
	text_clear(&x->answer_out);
	x->offerer = 0;
}

void exchange_move(struct exchange *to, struct exchange *from)
{
	exchange_clear(to);
	*to = *from;
	*from = (struct exchange){ 0 };
}
