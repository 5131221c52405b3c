using System.Buffers.Binary;
using System.Net;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// What crosses the bridge, by tcpdump: each direction of each TCP connection as one run of bytes. Retransmitted bytes count once.
/// </summary>
public sealed class BridgeTap
{
    private const int EthernetHeader = 14;
    private const ushort Ipv4 = 0x0800;
    private const ushort Ipv6 = 0x86DD;
    private const byte Tcp = 6;

    private readonly ManagedProcess _tcpdump;
    private readonly string _file;

    private BridgeTap(ManagedProcess tcpdump, string file) => (_tcpdump, _file) = (tcpdump, file);

    /// <summary>Starts listening.</summary>
    public static async Task<BridgeTap> StartAsync(PodMesh mesh, string name)
    {
        var file = Path.Combine(mesh.Directory, $"{name}.pcap");
        var tcpdump = mesh.Launcher.Start(new ProcessSpec
        {
            Name = $"tap-{name}",
            FileName = "ip",
            Arguments = ["netns", "exec", mesh.Network.Switch, "tcpdump", "-i", "br0", "-U", "--immediate-mode", "-B", "65536", "-Z", "root", "-w", file, "tcp"],
        });
        await tcpdump.LineAsync(line => line.Contains("listening on", StringComparison.Ordinal), TimeSpan.FromSeconds(20));
        return new BridgeTap(tcpdump, file);
    }

    /// <summary>Stops, and returns the directions that carried bytes.</summary>
    public async Task<IReadOnlyList<TappedFlow>> StopAsync()
    {
        // The last packets are on their way to the file.
        var size = -1L;
        await Eventually.TrueAsync(
            async () =>
            {
                var before = size;
                size = new FileInfo(_file).Length;
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
                return size == before;
            },
            "the tap is quiet");
        await _tcpdump.TerminateAsync(TimeSpan.FromSeconds(10));
        return Read(await File.ReadAllBytesAsync(_file));
    }

    // libpcap's file format, microseconds, little-endian: https://www.tcpdump.org/manpages/pcap-savefile.5.html
    private static List<TappedFlow> Read(byte[] file)
    {
        BinaryPrimitives.ReadUInt32LittleEndian(file).ShouldBe(0xA1B2C3D4u, "a pcap file of this machine");
        var flows = new Dictionary<(IPEndPoint From, IPEndPoint To), SortedDictionary<uint, byte[]>>();
        for (var at = 24; at + 16 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 8));
            at += 16;
            if (at + length <= file.Length)
            {
                Add(file.AsSpan(at, length), flows);
            }

            at += length;
        }

        return [.. flows.Select(flow => new TappedFlow(flow.Key.From, flow.Key.To, Join(flow.Value)))];
    }

    private static void Add(ReadOnlySpan<byte> frame, Dictionary<(IPEndPoint, IPEndPoint), SortedDictionary<uint, byte[]>> flows)
    {
        var packet = frame[EthernetHeader..];
        var type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        var (header, total, isTcp, addresses, addressLength) = type switch
        {
            Ipv4 => ((packet[0] & 15) * 4, BinaryPrimitives.ReadUInt16BigEndian(packet[2..]), packet[9] == Tcp, 12, 4),
            Ipv6 => (40, 40 + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]), packet[6] == Tcp, 8, 16),
            _ => (0, 0, false, 0, 0),
        };
        if (!isTcp)
        {
            return;
        }

        var tcp = packet[header..total];
        var data = tcp[((tcp[12] >> 4) * 4)..];
        if (data.IsEmpty)
        {
            return;
        }

        var from = new IPEndPoint(new IPAddress(packet.Slice(addresses, addressLength)), BinaryPrimitives.ReadUInt16BigEndian(tcp));
        var to = new IPEndPoint(new IPAddress(packet.Slice(addresses + addressLength, addressLength)), BinaryPrimitives.ReadUInt16BigEndian(tcp[2..]));
        if (!flows.TryGetValue((from, to), out var segments))
        {
            flows[(from, to)] = segments = [];
        }

        var sequence = BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]);
        if (!segments.TryGetValue(sequence, out var seen) || seen.Length < data.Length)
        {
            segments[sequence] = data.ToArray();
        }
    }

    // Sequence numbers begin anywhere; a run that wraps around is not expected of a test's few megabytes, and would show as a gap.
    private static byte[] Join(SortedDictionary<uint, byte[]> segments)
    {
        using var all = new MemoryStream();
        var next = segments.First().Key;
        foreach (var (sequence, data) in segments)
        {
            if (sequence > next)
            {
                break; // tcpdump missed some; what is before it is judged
            }

            var known = (int)(next - sequence);
            if (known < data.Length)
            {
                all.Write(data.AsSpan(known));
                next = sequence + (uint)data.Length;
            }
        }

        return all.ToArray();
    }
}

/// <summary>One direction of a connection, from its first byte.</summary>
public sealed record TappedFlow(IPEndPoint From, IPEndPoint To, byte[] Bytes)
{
    private const int RecordHeader = 5;

    /// <summary>Where it stops being a run of TLS records (RFC 8446 §5.1, §5.2); null: it never does. A record may be cut off at the end.</summary>
    public int? FirstPlaintext
    {
        get
        {
            for (var at = 0; at < Bytes.Length;)
            {
                var left = Bytes.AsSpan(at);
                var isRecord = left[0] is >= 20 and <= 23 && (left.Length < 2 || left[1] == 3) && (left.Length < 3 || left[2] is >= 1 and <= 4);
                if (!isRecord)
                {
                    return at;
                }

                if (left.Length < RecordHeader)
                {
                    return null;
                }

                var length = BinaryPrimitives.ReadUInt16BigEndian(left[3..]);
                if (length > (16 * 1024) + 256)
                {
                    return at;
                }

                at += RecordHeader + length;
            }

            return null;
        }
    }

    /// <summary>Whether one of its ends is at an address.</summary>
    public bool Touches(IPAddress address) => From.Address.Equals(address) || To.Address.Equals(address);
}
