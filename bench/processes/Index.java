// nbdkit-zram: a Java process whose memory becomes part of a corpus.
// SPDX-License-Identifier: BSD-3-Clause
//
// Usage: java Index.java LIST FIRST MIB
// Keeps files in LIST, from number FIRST on, as lines and an index of
// words, until it is MIB big.  Then says "ready" and waits to be ended.

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

public class Index {
  record Place (String path, int line) {}

  static final Map<String, List<Place>> index = new HashMap<> ();
  static final Map<String, String[]> files = new TreeMap<> ();

  static long resident () throws IOException {
    String[] f = Files.readString (Path.of ("/proc/self/statm")).split (" ");
    return Long.parseLong (f[1]) * 4096;
  }

  static void keep (String path) throws IOException {
    byte[] data = Files.readAllBytes (Path.of (path));
    String[] lines =
      new String (data, StandardCharsets.UTF_8).split ("\n");
    files.put (path, lines);
    for (int i = 0; i < lines.length; i++)
      for (String word : lines[i].split ("\\W+"))
        index.computeIfAbsent (word, w -> new ArrayList<> ())
          .add (new Place (path, i));
  }

  public static void main (String[] args) throws IOException {
    List<String> names = Files.readAllLines (Path.of (args[0]));
    int first = Integer.parseInt (args[1]);
    long wanted = Long.parseLong (args[2]) << 20;
    for (int i = 0; i < names.size () && resident () < wanted; i++) {
      try {
        keep (names.get ((i + first) % names.size ()));
      } catch (IOException e) {
        continue;
      }
    }
    System.out.println ("ready");
    System.in.read ();
  }
}
