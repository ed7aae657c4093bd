/* SPDX-License-Identifier: Apache-2.0 */
/* A result of the API for people: lists of objects as tables, objects as one line a member. Whatever a phone said in it moves no cursor. */
#ifndef APP_CTL_CTL_TABLE_H
#define APP_CTL_CTL_TABLE_H

#include <jansson.h>

#include "base/bytes.h"

void ctl_table_write(struct writer *w, const json_t *result);

#endif
