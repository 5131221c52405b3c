using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>Takes the place of standard output for a sidecar's access log. Written by one thread, read by any.</summary>
internal sealed class AccessLogCapture : Stream
{
    private readonly ConcurrentQueue<JsonElement> _lines = new();
    private readonly StringBuilder _rest = new();

    public IReadOnlyCollection<JsonElement> Lines => _lines;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Once so many lines are there, the newest.</summary>
    public async Task<JsonElement> LineAsync(int number)
    {
        await Eventually.TrueAsync(() => _lines.Count >= number, $"line {number} of the access log");
        _lines.Count.ShouldBe(number);
        return _lines.Last();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        _rest.Append(Encoding.UTF8.GetString(buffer, offset, count));
        for (var text = _rest.ToString(); text.IndexOf('\n') is >= 0 and var end; text = _rest.ToString())
        {
            using var line = JsonDocument.Parse(text[..end]);
            _lines.Enqueue(line.RootElement.Clone());
            _rest.Remove(0, end + 1);
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
