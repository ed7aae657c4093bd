/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sig/model/transfer.h"

void transfer_clear(struct transfer **t)
{
	if (!*t)
		return;
	if ((*t)->outside)
		dialog_clear((*t)->outside);
	free((*t)->outside);
	text_clear(&(*t)->target);
	text_clear(&(*t)->gruu);
	text_clear(&(*t)->remote.replaces);
	text_clear(&(*t)->remote.referrer);
	text_clear(&(*t)->from);
	text_clear(&(*t)->to);
	text_clear(&(*t)->application);
	free(*t);
	*t = NULL;
}
