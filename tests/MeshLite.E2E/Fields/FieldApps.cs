using System.Collections.Concurrent;
using System.Globalization;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.E2E.Fields;

/// <summary>
/// The applications, which do what a request tells them to in <c>x-do</c>: <c>503</c> (any status), <c>grpc-13</c>, <c>hang</c>,
/// <c>stall</c> (in the middle of the response); <c>-once</c>: only the first time its <c>x-id</c> comes anywhere; <c>@o1</c>:
/// only that application. They note each arrival. Thread-safe.
/// </summary>
internal sealed class FieldApps
{
    private readonly ConcurrentQueue<Arrival> _arrivals = new();
    private readonly ConcurrentDictionary<string, bool> _seen = new(StringComparer.Ordinal);
    private int _hung;
    private volatile TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Everything that came to any of them.</summary>
    public IReadOnlyCollection<Arrival> Arrivals => _arrivals;

    /// <summary>Requests that began to hang so far.</summary>
    public int Hung => Volatile.Read(ref _hung);

    /// <summary>Starts one.</summary>
    public Task<HttpApp> StartAsync(string name) => HttpApp.StartAsync(name, context => AnswerAsync(name, context));

    /// <summary>Lets go of what hangs or stalls.</summary>
    public void Release() => Interlocked.Exchange(ref _release, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    private async Task AnswerAsync(string name, HttpContext context)
    {
        var request = context.Request;
        var id = request.Headers["x-id"].ToString();
        _arrivals.Enqueue(new Arrival(
            name, id, request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, request.Host.ToString(),
            request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        var isFirst = _seen.TryAdd(id, true);
        var (what, once, where) = Parse(request.Headers["x-do"].ToString());
        context.Response.Headers["x-app"] = name;
        if ((once && !isFirst) || (where.Length > 0 && where != name))
        {
            what = "";
        }

        var release = _release.Task;
        if (what == "hang")
        {
            Interlocked.Increment(ref _hung);
            await release.WaitAsync(context.RequestAborted);
        }
        else if (what == "stall")
        {
            await context.Response.Body.WriteAsync("begun"u8.ToArray(), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await release.WaitAsync(context.RequestAborted);
        }
        else if (what.StartsWith("grpc-", StringComparison.Ordinal))
        {
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = what[5..];
        }
        else if (what.Length > 0)
        {
            context.Response.StatusCode = int.Parse(what, CultureInfo.InvariantCulture);
        }
    }

    private static (string What, bool Once, string Where) Parse(string text)
    {
        var at = text.Split('@');
        var once = at[0].EndsWith("-once", StringComparison.Ordinal);
        return (once ? at[0][..^5] : at[0], once, at.Length > 1 ? at[1] : "");
    }
}

/// <summary>A request as an application got it.</summary>
internal sealed record Arrival(string App, string Id, string Method, string Target, string Host, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>A header's value; empty: absent.</summary>
    public string Header(string name) => Headers.GetValueOrDefault(name, "");
}
