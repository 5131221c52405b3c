using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads the filters <c>urlRewrite</c> and <c>requestRedirect</c> (Gateway API HTTPURLRewriteFilter, HTTPRequestRedirectFilter). Pure.</summary>
internal static class UrlFilterReader
{
    private static readonly int[] Redirects = [301, 302, 303, 307, 308];

    /// <summary>Reads <c>urlRewrite</c>.</summary>
    public static UrlRewriteConfig ReadRewrite(FieldReader rewrite)
    {
        if (!rewrite.Has("hostname") && !rewrite.Has("path"))
        {
            rewrite.Error("", "must change hostname or path");
        }

        return new UrlRewriteConfig { Hostname = rewrite.Text("hostname", Check.Hostname), Path = rewrite.Object("path", ReadPath) };
    }

    /// <summary>Reads <c>requestRedirect</c>.</summary>
    public static RedirectConfig ReadRedirect(FieldReader redirect)
    {
        if (!redirect.Has("scheme") && !redirect.Has("hostname") && !redirect.Has("port") && !redirect.Has("path"))
        {
            redirect.Error("", "must change scheme, hostname, port or path: the same address again would be a loop");
        }

        var status = redirect.Integer("statusCode", Redirects[0], Redirects[^1]);
        if (status is { } given && !Redirects.Contains(given))
        {
            redirect.Error("statusCode", $"is {given}, must be 301, 302, 303, 307 or 308");
        }

        var byDefault = new RedirectConfig();
        return new RedirectConfig
        {
            Scheme = redirect.OneOf("scheme", "http", "https"),
            Hostname = redirect.Text("hostname", Check.Hostname),
            Port = redirect.Integer("port", 1, 65535),
            Path = redirect.Object("path", ReadPath),
            StatusCode = status ?? byDefault.StatusCode,
        };
    }

    // HTTPPathModifier. An empty prefix is what "/" is: the matched prefix goes.
    private static PathRewriteConfig ReadPath(FieldReader path)
    {
        path.RequireField("type");
        switch (path.OneOf<PathRewriteType>("type"))
        {
            case PathRewriteType.ReplaceFullPath:
                return new PathRewriteConfig(PathRewriteType.ReplaceFullPath, path.RequiredText("replaceFullPath", Check.Path));
            case PathRewriteType.ReplacePrefixMatch:
                return new PathRewriteConfig(
                    PathRewriteType.ReplacePrefixMatch, path.RequiredText("replacePrefixMatch", value => value.Length == 0 ? null : Check.Path(value)));
            default:
                path.Ignore("replaceFullPath", "replacePrefixMatch");
                return new PathRewriteConfig(PathRewriteType.ReplaceFullPath, "/");
        }
    }
}
