using System.Buffers;
using Google.Protobuf;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Tests.Streaming;

public sealed class EncodedMessageTests
{
    [Theory]
    [InlineData(1ul, 0)]
    [InlineData(127ul, 1)]
    [InlineData(128ul, 2)]
    [InlineData(ulong.MaxValue, 300)]
    public void InternalWriteTo_Update_SameBytesAsTheGeneratedMessage(ulong nonce, int resources)
    {
        var update = new Update { Nonce = nonce };
        update.Resources.AddRange(Enumerable.Range(0, resources).Select(i => new Resource { Key = new string('k', i), Version = "v", Absent = new Absent() }));

        ShouldBeSameBytes(EncodedMessage.Update(nonce, [.. update.Resources.Select(r => r.ToByteString())]), new ControlPlaneMessage { Update = update });
    }

    [Fact]
    public void InternalWriteTo_Other_SameBytesAsTheGeneratedMessage()
    {
        var message = new ControlPlaneMessage { Inventory = new Inventory { Nonce = 5, Resources = { new ResourceVersion { Key = "a", Version = "b" } } } };

        ShouldBeSameBytes(EncodedMessage.Of(message), message);
    }

    private static void ShouldBeSameBytes(EncodedMessage encoded, ControlPlaneMessage expected)
    {
        var buffer = new ArrayBufferWriter<byte>();
        encoded.WriteTo(buffer);

        buffer.WrittenSpan.ToArray().ShouldBe(expected.ToByteArray());
        encoded.CalculateSize().ShouldBe(buffer.WrittenCount);
    }
}
