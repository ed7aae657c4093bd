/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of protobuf-c as octets, in one pass: protobuf-c goes over a message twice, once for its size, and a call is written five
 * times. The octets are those that protobuf_c_message_pack() writes.
 */
#ifndef SIG_RECORD_PROTO_WRITE_H
#define SIG_RECORD_PROTO_WRITE_H

#include <protobuf-c/protobuf-c.h>

#include "base/bytes.h"

/* False: it has a field of a kind that our records have none of (proto2, oneof, packed, floating point), and *w is of no use. Whether it
 * fitted the writer knows. */
bool proto_write(struct writer *w, const ProtobufCMessage *m) NODISCARD;

#endif
