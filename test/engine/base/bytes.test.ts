// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../../engine/base/bytes.ts';

describe('ByteWriter', () => {
  test('what is written across a growth of its buffer is read back', () => {
    for (let before = 1015; before <= 1025; before++) {
      const writer = new ByteWriter();
      writer.data(new Uint8Array(before));
      writer.u16(0x1234);
      writer.u32(0x12345678);
      writer.u64(0x123456789abcdef0n);
      writer.u8(7);
      const reader = new ByteReader(writer.bytes());
      reader.text(before);
      expect(reader.u16()).toBe(0x1234);
      expect(reader.u32()).toBe(0x12345678);
      expect(reader.u64()).toBe(0x123456789abcdef0n);
      expect(reader.u8()).toBe(7);
    }
  });
});
