/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of names in which '*' is any octets. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include "base/bytes.h"

/* One of a list, joined by ',', takes the text. */
bool glob_list_takes(struct bytes patterns, struct bytes text);

#endif
