/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/conf_name.h"

#include <string.h>

#include "sig/sip/id.h"

#define NAME_BEGINS "conf-"

void conf_name_write(struct writer *w, uint64_t conference)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, conference);
	writer_str(w, NAME_BEGINS);
	writer_mem(w, id, sizeof(id));
}

bool conf_name_get(struct bytes user, uint64_t *conference)
{
	return bytes_starts(user, NAME_BEGINS) &&
	       !id_call_get(bytes_from(user, strlen(NAME_BEGINS)), conference);
}
