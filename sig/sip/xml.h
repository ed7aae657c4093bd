/* SPDX-License-Identifier: Apache-2.0 */
/* Text of others within XML that we write: bodies of NOTIFY. Pure. */
#ifndef SIG_SIP_XML_H
#define SIG_SIP_XML_H

#include "base/bytes.h"

/* As character data or the value of an attribute in quotes. What XML 1.0 has no character for, and what is no UTF-8, becomes '?'. */
void xml_write(struct writer *w, struct bytes text);

#endif
