using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

public sealed class GrpcFrameTests
{
    private const int Limit = 1000;

    [Fact]
    public void ReadAsync_AnyMessagesInAnySegments_GivesThemBack() => Prop.ForAll(Seeds, seed =>
    {
        var r = new Random(seed);
        var messages = Enumerable.Range(0, r.Next(6)).Select(_ => new EchoRequest
        {
            Text = new string('x', r.Next(3)), Count = r.Next(-2, 2), Payload = ByteString.CopyFrom(new byte[r.Next(4) == 0 ? r.Next(900) : 0]),
        }).ToArray();

        var read = ReadAll(Segments(r, Written(messages)), Limit);

        return read.SequenceEqual(messages);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void ReadAsync_AnyBytes_GivesMessagesOrGrpcException() => Prop.ForAll(Seeds, seed =>
    {
        var r = new Random(seed);
        var bytes = Written(new EchoRequest { Text = "text", Payload = ByteString.CopyFrom(new byte[20]), Id = "id" }, new EchoRequest { Count = 3 });
        for (var i = r.Next(1, 5); i > 0; i--)
        {
            bytes[r.Next(bytes.Length)] = (byte)r.Next(256);
        }

        // Half of the cases keep the first frame whole around bytes that are no message.
        if (r.Next(2) == 0)
        {
            Written(new EchoRequest { Text = "text", Payload = ByteString.CopyFrom(new byte[20]), Id = "id" }).AsSpan(0, 5).CopyTo(bytes);
        }

        try
        {
            return ReadAll(Segments(r, bytes[..r.Next(bytes.Length + 1)]), Limit).Count <= 2 + bytes.Length;
        }
        catch (GrpcException e)
        {
            return e.Code is GrpcStatusCode.Internal or GrpcStatusCode.ResourceExhausted or GrpcStatusCode.Unimplemented;
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Fact]
    public void ReadAsync_EndWithinMessage_IsInternal()
    {
        var whole = Written(new EchoRequest { Text = "text" });
        for (var length = 1; length < whole.Length; length++)
        {
            var part = whole[..length];
            Should.Throw<GrpcException>(() => ReadAll([part], Limit)).Code.ShouldBe(GrpcStatusCode.Internal);
        }
    }

    [Fact]
    public void ReadAsync_MessageAtTheLimit_PassesAndOneByteMoreIsResourceExhausted()
    {
        var bytes = Written(new EchoRequest { Text = new string('x', 100) });

        ReadAll([bytes], bytes.Length - 5).Count.ShouldBe(1);
        Should.Throw<GrpcException>(() => ReadAll([bytes], bytes.Length - 6)).Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
    }

    [Fact]
    public void ReadAsync_LengthOverTheLimit_FailsBeforeTheMessageArrives()
    {
        var header = new byte[5];
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(1), uint.MaxValue);
        var pipe = new Pipe();
        pipe.Writer.WriteAsync(header).AsTask().IsCompletedSuccessfully.ShouldBeTrue();

        var reading = new GrpcFrameReader(pipe.Reader, int.MaxValue, null, GrpcStatusCode.Internal).ReadAsync(EchoRequest.Parser, default).AsTask();

        reading.IsFaulted.ShouldBeTrue();
        reading.Exception!.InnerException.ShouldBeOfType<GrpcException>().Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
    }

    [Theory]
    [InlineData(1, null, GrpcStatusCode.Internal)]
    [InlineData(1, "identity", GrpcStatusCode.Internal)]
    [InlineData(1, "gzip", GrpcStatusCode.Unimplemented)]
    [InlineData(2, "gzip", GrpcStatusCode.Internal)]
    public void ReadAsync_CompressedFlag_IsRefused(byte flag, string? encoding, GrpcStatusCode expected) =>
        Should.Throw<GrpcException>(() => ReadAll([[flag, 0, 0, 0, 0]], Limit, encoding)).Code.ShouldBe(expected);

    [Fact]
    public void ReadAsync_UncompressedDespiteEncoding_IsRead() => ReadAll([[0, 0, 0, 0, 0]], Limit, "gzip").Count.ShouldBe(1);

    [Fact]
    public void ReadAsync_NoMessage_IsInternal() =>
        Should.Throw<GrpcException>(() => ReadAll([[0, 0, 0, 0, 1, 0x0A]], Limit)).Message.ShouldStartWith("malformed EchoRequest");

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task ReadSingleAsync_AnotherCount_IsUnimplemented(int count)
    {
        var pipe = PipeReader.Create(new ReadOnlySequence<byte>(Written([.. Enumerable.Repeat(new EchoRequest(), count)])));
        var reader = new GrpcFrameReader(pipe, Limit, null, GrpcStatusCode.Internal);

        (await Should.ThrowAsync<GrpcException>(reader.ReadSingleAsync(EchoRequest.Parser, default).AsTask())).Code.ShouldBe(GrpcStatusCode.Unimplemented);
    }

    [Fact]
    public async Task WriteAndFlushAsync_WhileAnotherWaits_IsRefused()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
        var writer = new GrpcFrameWriter(pipe.Writer);
        var first = writer.WriteAndFlushAsync(new EchoRequest { Text = "x" }, default).AsTask();
        first.IsCompleted.ShouldBeFalse("nobody reads");

        await Should.ThrowAsync<InvalidOperationException>(writer.WriteAndFlushAsync(new EchoRequest(), default).AsTask());

        pipe.Reader.AdvanceTo((await pipe.Reader.ReadAsync()).Buffer.End);
        await first;
    }

    private static Arbitrary<int> Seeds { get; } = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    private static byte[] Written(params EchoRequest[] messages)
    {
        using var stream = new MemoryStream();
        var pipe = PipeWriter.Create(stream, new(leaveOpen: true));
        var writer = new GrpcFrameWriter(pipe);
        foreach (var message in messages)
        {
            writer.Write(message);
        }

        pipe.Complete();
        return stream.ToArray();
    }

    private static List<byte[]> Segments(Random r, byte[] bytes)
    {
        var segments = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(r.Next(1, r.Next(2) == 0 ? 4 : 400), bytes.Length - at);
            segments.Add(bytes[at..(at + length)]);
            at += length;
        }

        return segments;
    }

    /// <summary>Each segment arrives only after the one before was looked at; all on one thread.</summary>
    private static List<EchoRequest> ReadAll(IEnumerable<byte[]> segments, int limit, string? encoding = null)
    {
        var inline = new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, minimumSegmentSize: 1, useSynchronizationContext: false);
        var pipe = new Pipe(inline);
        var messages = new List<EchoRequest>();
        var reading = ReadAsync();
        foreach (var segment in segments)
        {
            _ = pipe.Writer.WriteAsync(segment).AsTask();
        }

        pipe.Writer.Complete();
        reading.IsCompleted.ShouldBeTrue();
        reading.GetAwaiter().GetResult();
        return messages;

        async Task ReadAsync()
        {
            var reader = new GrpcFrameReader(pipe.Reader, limit, encoding, GrpcStatusCode.Unimplemented);
            while (await reader.ReadAsync(EchoRequest.Parser, default) is { } message)
            {
                messages.Add(message);
            }
        }
    }
}
