using System.IO.Pipelines;
using MeshLite.Hosting;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.ControlPlane.Tests.Hosting;

public sealed class Http2PrefaceTests
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly ManualTimeProvider _time = new();
    private readonly Pipe _sent = new();
    private readonly DefaultConnectionContext _connection = new();
    private readonly List<ConnectionContext> _late = [];
    private byte[]? _seen;

    public Http2PrefaceTests() => _connection.Transport = new Duplex(_sent.Reader);

    [Fact]
    public async Task Preface_InPieces_IsLeftToWhoComesNext()
    {
        var serving = ServeAsync();
        foreach (var piece in Preface.Chunk(5))
        {
            serving.IsCompleted.ShouldBeFalse();
            await _sent.Writer.WriteAsync(piece, TestContext.Current.CancellationToken);
        }

        await serving;
        _seen.ShouldBe(Preface);
        _late.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(23)]
    public async Task Preface_NotWholeInTime_IsRefused(int bytes)
    {
        await _sent.Writer.WriteAsync(Preface.AsMemory(0, bytes), TestContext.Current.CancellationToken);
        var serving = ServeAsync();

        _time.Advance(Http2Preface.Timeout - TimeSpan.FromTicks(1));
        serving.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromTicks(1));
        await serving;

        _late.ShouldBe([_connection]);
        _seen.ShouldBeNull();
    }

    [Fact]
    public async Task Caller_EndsBeforeIt_KestrelMayJudge()
    {
        await _sent.Writer.WriteAsync("PRI"u8.ToArray(), TestContext.Current.CancellationToken);
        await _sent.Writer.CompleteAsync();

        await ServeAsync();

        _seen.ShouldBe("PRI"u8.ToArray());
        _late.ShouldBeEmpty();
    }

    [Fact]
    public async Task Connection_Breaks_NobodyIsTold()
    {
        await _sent.Writer.CompleteAsync(new ConnectionResetException("gone"));

        await ServeAsync();

        (_seen, _late.Count).ShouldBe((null, 0));
    }

    private Task ServeAsync() => Http2Preface.Demand(_time, _late.Add)(async connection =>
    {
        var read = await connection.Transport.Input.ReadAsync();
        _seen = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
    })(_connection);

    private sealed class Duplex(PipeReader input) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output { get; } = new Pipe().Writer;
    }
}
